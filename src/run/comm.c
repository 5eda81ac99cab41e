#include "weylmc/run/comm.h"

#include <string.h>

#include "weylmc/base/memory.h"

int wmc_rank(MPI_Comm comm)
{
  int rank;
  MPI_Comm_rank(comm, &rank);
  return rank;
}

int wmc_ranks(MPI_Comm comm)
{
  int ranks;
  MPI_Comm_size(comm, &ranks);
  return ranks;
}

enum { MESSAGE_BYTES = 4096, MESSAGE_TAG = 7 };

/* Rank 0 takes over the message of `speaker`. */
static void adopt_message(MPI_Comm comm, int speaker)
{
  char text[MESSAGE_BYTES] = "";
  if (wmc_rank(comm) == speaker) {
    strncpy(text, wmc_message(), sizeof text - 1);
    MPI_Send(text, MESSAGE_BYTES, MPI_CHAR, 0, MESSAGE_TAG, comm);
  } else if (wmc_rank(comm) == 0) {
    MPI_Recv(text, MESSAGE_BYTES, MPI_CHAR, speaker, MESSAGE_TAG, comm, MPI_STATUS_IGNORE);
    text[sizeof text - 1] = '\0';
    size_t n = strlen(text);
    if (n > 0 && text[n - 1] == '\n') text[n - 1] = '\0';
    if (text[0] != '\0') wmc_raise(WMC_FAILURE, "%s", text);
  }
}

wmc_status wmc_agree(MPI_Comm comm, wmc_status mine)
{
  struct {
    int status, rank;
  } in = {(int)mine, wmc_rank(comm)}, worst;
  MPI_Allreduce(&in, &worst, 1, MPI_2INT, MPI_MAXLOC, comm); /* the lowest rank among equals */
  if (worst.status == WMC_OK) return WMC_OK;
  int silent = wmc_message()[0] == '\0';
  MPI_Bcast(&silent, 1, MPI_INT, 0, comm);
  if (worst.rank != 0 && silent) adopt_message(comm, worst.rank);
  if (in.rank != 0) wmc_message_clear();
  return (wmc_status)worst.status;
}

wmc_status wmc_broadcast(MPI_Comm comm, void **bytes, size_t *n)
{
  enum { CHUNK = 1 << 30 };
  unsigned long long size = wmc_rank(comm) == 0 ? *n : 0;
  MPI_Bcast(&size, 1, MPI_UNSIGNED_LONG_LONG, 0, comm);
  wmc_status status = WMC_OK;
  if (wmc_rank(comm) != 0) {
    *n = size;
    *bytes = wmc_alloc((size_t)size + 1, 1);
    if (*bytes == NULL) status = wmc_no_memory();
  }
  WMC_TRY(wmc_agree(comm, status));
  for (size_t sent = 0; sent < size; sent += CHUNK) {
    size_t part = size - sent < CHUNK ? (size_t)size - sent : CHUNK;
    MPI_Bcast((char *)*bytes + sent, (int)part, MPI_BYTE, 0, comm);
  }
  return WMC_OK;
}

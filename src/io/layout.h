/** @file layout.h  Names in results files that writer and reader share. Private to src/io. */
#pragma once

#define LAYOUT_DECK           "deck"
#define LAYOUT_PROVENANCE     "provenance"
#define LAYOUT_CONVENTIONS    "Conventions"
#define LAYOUT_SCHEMA_VERSION "schema_version"
#define LAYOUT_UNITS          "units"
#define LAYOUT_LONG_NAME      "long_name"

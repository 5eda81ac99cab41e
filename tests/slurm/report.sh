# Counting checks in shell scripts. Sourced.
passed=0 failed=0 skipped=0

check() { # check NAME COMMAND...: passes if the command succeeds
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "ok     $name"
  else
    failed=$((failed + 1))
    echo "FAILED $name"
  fi
}

equal() { # equal FOUND EXPECTED
  [ "$1" = "$2" ] || {
    echo "found '$1', expected '$2'"
    return 1
  }
}

contains() { # contains TEXT PART
  [[ $1 == *"$2"* ]] || {
    printf "no '%s' in:\n%s\n" "$2" "$1"
    return 1
  }
}

skip() { # skip NAME REASON
  skipped=$((skipped + 1))
  echo "SKIPPED $1: $2"
}

report() { # the closing line; the status of the script
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
}

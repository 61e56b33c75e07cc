# Read by ctest after each list of discovered cases: a case whose suite names a kind of test ("MlpGolden.Fused") carries that label too.
foreach(case IN LISTS cases)
  foreach(kind Fixtures Golden Rules Errors Files)
    if(case MATCHES "${kind}[A-Za-z0-9_]*[./]")
      string(TOLOWER ${kind} label)
      set_tests_properties("${case}" PROPERTIES LABELS ${label})
    endif()
  endforeach()
  if(case MATCHES "^Keras")  # hundreds of processes
    set_tests_properties("${case}" PROPERTIES TIMEOUT 1800)
  endif()
endforeach()

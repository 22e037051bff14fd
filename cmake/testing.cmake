# How tests are made; test/ and bench/ say which there are.

# `./eddy test` runs several builds as one suite, so a test's name begins with that of its build.
cmake_path(GET CMAKE_BINARY_DIR FILENAME EDDY_SUITE)

# The allocator as unit tests want it: every symbol within reach, every invariant asserted, and no
# malloc, so that the test harness stands on libc's.
add_library(eddy-under-test STATIC ${eddy_sources})
target_link_libraries(eddy-under-test PRIVATE eddy-compile)
target_include_directories(eddy-under-test PUBLIC include src)
target_compile_definitions(eddy-under-test PUBLIC
    EDDY_DEBUG=1 EDDY_TEST_HOOKS=1 $<$<BOOL:${EDDY_ABLATE}>:EDDY_ABLATE=1>)

# eddy_add_test(NAME LABELS label... COMMAND command... [TIMEOUT seconds])
#
# Registers a command with ctest as BUILD.LABEL.NAME, LABEL being the first label; each label is a
# row of docs/testing.md. Exit status 77 is "skipped".
function(eddy_add_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "LABELS;COMMAND")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 300)
    endif()
    list(GET arg_LABELS 0 group)
    set(test ${EDDY_SUITE}.${group}.${name})
    add_test(NAME ${test} COMMAND ${arg_COMMAND})
    set_tests_properties(${test} PROPERTIES
        LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77)
endfunction()

# eddy_test(NAME SOURCES file... [LABELS label...] [LIBRARY library] [TIMEOUT seconds])
#
# Builds a cmocka program, linked against LIBRARY (eddy-under-test, eddy or eddy-static), and
# registers it, by default under the label `unit`.
function(eddy_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "LIBRARY;TIMEOUT" "SOURCES;LABELS")
    if(NOT arg_LABELS)
        set(arg_LABELS unit)
    endif()
    if(NOT arg_LIBRARY)
        set(arg_LIBRARY eddy-under-test)
    endif()

    list(GET arg_LABELS 0 group)
    set(target ${group}-${name})
    add_executable(${target} ${arg_SOURCES})
    target_include_directories(${target} PRIVATE
        ${PROJECT_SOURCE_DIR}/test ${CMOCKA_INCLUDE_DIR})
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    # Tests call malloc for its effects, and use assert in every build.
    target_compile_options(${target} PRIVATE -g -Wall -Wextra -Wshadow -fno-builtin -UNDEBUG)
    # Eddy first, so that its malloc is the one.
    target_link_libraries(${target} PRIVATE ${arg_LIBRARY} ${CMOCKA_LIBRARIES})
    eddy_add_test(${name} LABELS ${arg_LABELS} TIMEOUT ${arg_TIMEOUT} COMMAND ${target})
endfunction()

# The mimalloc layer: for each generation of its interface a shared library, which needs libeddy.so
# and has no writable data, and an archive, which holds Eddy too.

option(EDDY_MIMALLOC_SONAME "Give the mimalloc layer the SONAMEs of mimalloc's own libraries" OFF)

set(mimalloc_map ${CMAKE_CURRENT_SOURCE_DIR}/cmake/mimalloc.map)
set(mimalloc_include
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include/eddy>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/eddy>)

# What a new-handler throws passes through mi_new.
set_source_files_properties(src/mimalloc/new.c PROPERTIES COMPILE_OPTIONS -fexceptions)

# The names that stand for one function, from lines like SAME(type, mi_name, eddy_name, ...), as
# options for the linker.
function(eddy_mimalloc_aliases variable)
    set(options)
    foreach(source IN LISTS ARGN)
        file(READ ${source} text)
        string(REGEX MATCHALL "[ ,(]mi_[a-z_]+,[ \n]+eddy_[a-z_]+,[ \n]*\\(" pairs "${text}")
        foreach(pair IN LISTS pairs)
            string(REGEX MATCH "(mi_[a-z_]+),[ \n]+(eddy_[a-z_]+)" pair "${pair}")
            list(APPEND options LINKER:--defsym=${CMAKE_MATCH_1}=${CMAKE_MATCH_2})
        endforeach()
    endforeach()
    set(${variable} ${options} PARENT_SCOPE)
endfunction()

# The archive holds a single object, as libeddy.a does; the aliases come into being with it.
function(eddy_mimalloc_archive target generation sources)
    add_library(${target}-objects OBJECT ${sources})
    target_link_libraries(${target}-objects PRIVATE eddy-compile)
    target_compile_definitions(${target}-objects PRIVATE
        EDDY_MIMALLOC_API=${generation} EDDY_MIMALLOC_ALIASES=1)
    set_target_properties(${target}-objects PROPERTIES POSITION_INDEPENDENT_CODE ON)

    eddy_mimalloc_aliases(aliases ${sources})
    list(TRANSFORM aliases REPLACE "LINKER:" "-Wl,")
    set(objects $<TARGET_OBJECTS:eddy-objects> $<TARGET_OBJECTS:${target}-objects>)
    set(single_object ${CMAKE_CURRENT_BINARY_DIR}/${target}.o)
    add_custom_command(OUTPUT ${single_object}
        COMMAND ${CMAKE_C_COMPILER} -r -nostdlib ${aliases} -o ${single_object} ${objects}
        COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${single_object}
        DEPENDS eddy-objects ${target}-objects ${objects}
        COMMAND_EXPAND_LISTS VERBATIM
        COMMENT "Joining the objects of lib${target}.a")
    add_library(${target}-static STATIC ${single_object})
    set_target_properties(${target}-static PROPERTIES
        OUTPUT_NAME ${target} LINKER_LANGUAGE C)
    target_link_options(${target}-static INTERFACE ${cxx_may_throw})
endfunction()

function(eddy_mimalloc_shared target generation sources)
    add_library(${target} SHARED ${sources})
    target_link_libraries(${target} PRIVATE eddy-compile PUBLIC eddy)
    target_compile_definitions(${target} PRIVATE EDDY_MIMALLOC_API=${generation})
    target_link_options(${target} PRIVATE
        LINKER:--version-script=${mimalloc_map} LINKER:-z,nodelete LINKER:-z,now
        # As with mimalloc's own library, malloc and operator new of a program that is linked with
        # this one are of the same allocator: the dynamic linker looks in libeddy.so first.
        LINKER:--auxiliary=$<TARGET_SONAME_FILE_NAME:eddy>)
    set_target_properties(${target} PROPERTIES
        VERSION ${PROJECT_VERSION} SOVERSION 0
        INSTALL_RPATH $ORIGIN
        LINK_DEPENDS ${mimalloc_map})
    if(EDDY_MIMALLOC_SONAME)
        set(soname libmimalloc.so.${generation})
        set_target_properties(${target} PROPERTIES NO_SONAME ON)
        target_link_options(${target} PRIVATE LINKER:-soname=${soname})
        add_custom_command(TARGET ${target} POST_BUILD
            COMMAND ${CMAKE_COMMAND} -E create_symlink
                $<TARGET_FILE_NAME:${target}> $<TARGET_FILE_DIR:${target}>/${soname})
        install(FILES $<TARGET_FILE_DIR:${target}>/${soname} TYPE LIB)
    endif()
endfunction()

function(eddy_mimalloc target name generation)
    set(sources ${mimalloc_sources})
    math(EXPR other "5 - ${generation}")
    list(FILTER sources EXCLUDE REGEX "/v${other}\\.c$")
    eddy_mimalloc_shared(${target} ${generation} "${sources}")
    eddy_mimalloc_archive(${target} ${generation} "${sources}")
    foreach(suffix "" -static)
        add_library(eddy::${name}${suffix} ALIAS ${target}${suffix})
        set_target_properties(${target}${suffix} PROPERTIES EXPORT_NAME ${name}${suffix})
        target_include_directories(${target}${suffix} INTERFACE ${mimalloc_include})
        target_compile_definitions(${target}${suffix} INTERFACE EDDY_MIMALLOC_API=${generation})
    endforeach()

    configure_file(cmake/eddy-mimalloc.pc.in ${target}.pc @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${target}.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
    install(TARGETS ${target} ${target}-static EXPORT eddy)
endfunction()

eddy_mimalloc(eddy-mimalloc mimalloc 3)
eddy_mimalloc(eddy-mimalloc2 mimalloc2 2)
install(DIRECTORY include/eddy TYPE INCLUDE)

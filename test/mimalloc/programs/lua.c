/* A Lua interpreter whose memory is a heap of mimalloc. It is linked with mimalloc's own library,
 * so malloc is mimalloc's in the whole process: what one kind of name hands out, the other frees.
 * Generation 2.
 *
 * usage: lua SCRIPT
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lualib.h>

#include "mimalloc.h"

static void *allocate(void *heap, void *block, size_t old_size, size_t size) {
    (void)old_size;
    if (size > 0) return mi_heap_realloc(heap, block, size);
    mi_free(block);
    return NULL;
}

static int run(const char *script) {
    mi_heap_t *heap = mi_heap_new();
    lua_State *lua = lua_newstate(allocate, heap);
    if (lua == NULL) return 1;
    luaL_openlibs(lua);
    int failed = luaL_dofile(lua, script);
    if (failed) fprintf(stderr, "lua: %s\n", lua_tostring(lua, -1));
    /* Instead of lua_close. */
    mi_heap_destroy(heap);
    return failed;
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    char *script = mi_strdup(argv[1]);
    int failed = run(script);
    free(script);
    void *block = malloc(100);
    bool is_shared = mi_is_in_heap_region(block);
    if (!is_shared) fprintf(stderr, "lua: malloc is another allocator's\n");
    mi_free(block);
    return failed || !is_shared;
}

/* Every C++ operator new and delete, in C: a C program that runs on Eddy loads no C++ library.
 *
 * The standard lets a program replace any of them and says which one calls which: arrays call the
 * single-object form, nothrow forms the throwing one, sized deletes the plain one. So the
 * definitions are weak and call each other as any caller would, by symbol, never past a
 * replacement. Compiled with -fexceptions: exceptions of new-handlers pass through.
 * SPDX-License-Identifier: MIT */
#include "alloc/aligned.h"
#include "alloc/fast.h"
#include "alloc/runtime.h"
#include "base/base.h"
#include "eddy.h"

_Static_assert(_Generic((size_t)0, unsigned long : 1, default : 0),
               "the names below mangle size_t as unsigned long ('m')");

/* ---- what the throwing forms do when memory is short ---- */

static cold void *new_from_handler(size_t size, size_t alignment) {
    for (;;) {
        /* No handler can mend a wrong alignment. */
        if (!is_power_of_two(alignment)) runtime_throw_bad_alloc(size);
        eddy_new_handler(size, true);
        void *block = eddy_malloc_aligned(size, alignment);
        if (block != NULL) return block;
    }
}

/* ---- operator new ---- */

typedef struct nothrow nothrow_t; /* std::nothrow_t, always passed by reference and never read */

#define OPERATOR(symbol) __asm__(symbol) __attribute__((weak, visibility("default")))

void *new_object(size_t size) OPERATOR("_Znwm");
void *new_array(size_t size) OPERATOR("_Znam");
void *new_object_nothrow(size_t size, const nothrow_t *) OPERATOR("_ZnwmRKSt9nothrow_t");
void *new_array_nothrow(size_t size, const nothrow_t *) OPERATOR("_ZnamRKSt9nothrow_t");
void *new_object_aligned(size_t size, size_t alignment) OPERATOR("_ZnwmSt11align_val_t");
void *new_array_aligned(size_t size, size_t alignment) OPERATOR("_ZnamSt11align_val_t");
void *new_object_aligned_nothrow(size_t size, size_t alignment, const nothrow_t *)
    OPERATOR("_ZnwmSt11align_val_tRKSt9nothrow_t");
void *new_array_aligned_nothrow(size_t size, size_t alignment, const nothrow_t *)
    OPERATOR("_ZnamSt11align_val_tRKSt9nothrow_t");

void *new_object(size_t size) {
    void *block = fast_malloc(size);
    return likely(block != NULL) ? block : new_from_handler(size, 1);
}

void *new_object_aligned(size_t size, size_t alignment) {
    void *block = fast_malloc_aligned(size, alignment);
    return likely(block != NULL) ? block : new_from_handler(size, alignment);
}

void *new_array(size_t size) { return new_object(size); }

void *new_array_aligned(size_t size, size_t alignment) {
    return new_object_aligned(size, alignment);
}

void *new_object_nothrow(size_t size, const nothrow_t *tag) {
    (void)tag;
    return null_if_thrown(new_object(size));
}

void *new_array_nothrow(size_t size, const nothrow_t *tag) {
    (void)tag;
    return null_if_thrown(new_array(size));
}

void *new_object_aligned_nothrow(size_t size, size_t alignment, const nothrow_t *tag) {
    (void)tag;
    return null_if_thrown(new_object_aligned(size, alignment));
}

void *new_array_aligned_nothrow(size_t size, size_t alignment, const nothrow_t *tag) {
    (void)tag;
    return null_if_thrown(new_array_aligned(size, alignment));
}

/* ---- operator delete ---- */

void delete_object(void *block) OPERATOR("_ZdlPv");
void delete_array(void *block) OPERATOR("_ZdaPv");
void delete_object_sized(void *block, size_t size) OPERATOR("_ZdlPvm");
void delete_array_sized(void *block, size_t size) OPERATOR("_ZdaPvm");
void delete_object_nothrow(void *block, const nothrow_t *) OPERATOR("_ZdlPvRKSt9nothrow_t");
void delete_array_nothrow(void *block, const nothrow_t *) OPERATOR("_ZdaPvRKSt9nothrow_t");
void delete_object_aligned(void *block, size_t alignment) OPERATOR("_ZdlPvSt11align_val_t");
void delete_array_aligned(void *block, size_t alignment) OPERATOR("_ZdaPvSt11align_val_t");
void delete_object_sized_aligned(void *block, size_t size, size_t alignment)
    OPERATOR("_ZdlPvmSt11align_val_t");
void delete_array_sized_aligned(void *block, size_t size, size_t alignment)
    OPERATOR("_ZdaPvmSt11align_val_t");
void delete_object_aligned_nothrow(void *block, size_t alignment, const nothrow_t *)
    OPERATOR("_ZdlPvSt11align_val_tRKSt9nothrow_t");
void delete_array_aligned_nothrow(void *block, size_t alignment, const nothrow_t *)
    OPERATOR("_ZdaPvSt11align_val_tRKSt9nothrow_t");

void delete_object(void *block) { fast_free(block, "operator delete"); }

void delete_object_sized(void *block, size_t size) {
    (void)size;
    delete_object(block);
}

void delete_object_nothrow(void *block, const nothrow_t *tag) {
    (void)tag;
    delete_object(block);
}

void delete_array(void *block) { delete_object(block); }

void delete_array_sized(void *block, size_t size) {
    (void)size;
    delete_array(block);
}

void delete_array_nothrow(void *block, const nothrow_t *tag) {
    (void)tag;
    delete_array(block);
}

void delete_object_aligned(void *block, size_t alignment) {
    (void)alignment;
    fast_free(block, "operator delete");
}

void delete_object_sized_aligned(void *block, size_t size, size_t alignment) {
    (void)size;
    delete_object_aligned(block, alignment);
}

void delete_object_aligned_nothrow(void *block, size_t alignment, const nothrow_t *tag) {
    (void)tag;
    delete_object_aligned(block, alignment);
}

void delete_array_aligned(void *block, size_t alignment) {
    delete_object_aligned(block, alignment);
}

void delete_array_sized_aligned(void *block, size_t size, size_t alignment) {
    (void)size;
    delete_array_aligned(block, alignment);
}

void delete_array_aligned_nothrow(void *block, size_t alignment, const nothrow_t *tag) {
    (void)tag;
    delete_array_aligned(block, alignment);
}

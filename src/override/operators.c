/* Every C++ operator new and delete, in C: a C program that runs on Eddy loads no C++ library.
 *
 * The standard lets a program replace any of them and says which one calls which: arrays call the
 * single-object form, nothrow forms the throwing one, sized deletes the plain one. So the
 * definitions are weak and call each other as any caller would, by symbol, never past a
 * replacement. Compiled with -fexceptions: exceptions of new-handlers pass through.
 * SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <stdlib.h>
#include <unwind.h>

#include "alloc/fast.h"
#include "base/base.h"
#include "eddy.h"
#include "os/os.h"

_Static_assert(_Generic((size_t)0, unsigned long : 1, default : 0),
               "the names below mangle size_t as unsigned long ('m')");

/* ---- the C++ runtime, as far as it is there ---- */

typedef void function_t(void);
typedef void *dlopen_t(const char *name, int flags);
typedef function_t *get_new_handler_t(void);
typedef void *begin_catch_t(void *exception);
typedef void set_register_t(struct _Unwind_Context *context, int number, _Unwind_Word value);

#define WEAK(symbol) __asm__(symbol) __attribute__((weak))

function_t linked_throw_bad_alloc WEAK("_ZSt17__throw_bad_allocv");
function_t linked_get_new_handler WEAK("_ZSt15get_new_handlerv");
function_t linked_begin_catch WEAK("__cxa_begin_catch");
function_t linked_end_catch WEAK("__cxa_end_catch");
function_t linked_set_register WEAK("_Unwind_SetGR");
#pragma weak dlsym /* not in every static program */

typedef union symbol {
    void *object;
    function_t *function;
} symbol_t;

/* A function of the runtime: `linked`, or NULL when the program has no C++ runtime. A C program may
 * load one long after Eddy was linked, with the symbols local to the library that needed it (Python
 * does so for its extensions): then weak references stay NULL and it has to be looked up. */
static cold function_t *runtime_function(function_t *linked, const char *name) {
    static const char *const runtimes[] = {"libstdc++.so.6", "libc++.so.1"};
    symbol_t found = {.function = linked};
    if (linked != NULL || dlsym == NULL) return linked;
    /* A reference to dlopen, even a weak one, makes every static link print a warning. */
    symbol_t open = {.object = dlsym(RTLD_DEFAULT, "dlopen")};
    if (open.object == NULL) return NULL;
    for (size_t i = 0; i < 2 && found.object == NULL; i++) {
        void *library = ((dlopen_t *)open.function)(runtimes[i], RTLD_LAZY | RTLD_NOLOAD);
        if (library != NULL) found.object = dlsym(library, name);
    }
    return found.function;
}

static cold function_t *new_handler(void) {
    get_new_handler_t *get =
        (get_new_handler_t *)runtime_function(linked_get_new_handler, "_ZSt15get_new_handlerv");
    return get != NULL ? get() : NULL;
}

static _Noreturn cold void throw_bad_alloc(size_t size) {
    function_t *throw = runtime_function(linked_throw_bad_alloc, "_ZSt17__throw_bad_allocv");
    if (throw != NULL) throw();
    os_say("operator new: no memory for %zu bytes, and no C++ runtime to throw std::bad_alloc "
           "(a static program needs -Wl,-u,_ZSt17__throw_bad_allocv)",
           size);
    abort();
}

/* ---- what the throwing forms do when memory is short ---- */

static cold void *new_from_handler(size_t size, size_t alignment) {
    for (;;) {
        function_t *handler = new_handler();
        /* No handler can mend a wrong alignment. */
        if (handler == NULL || !is_power_of_two(alignment)) throw_bad_alloc(size);
        handler();
        void *block = eddy_malloc_aligned(size, alignment);
        if (block != NULL) return block;
    }
}

/* ---- what the nothrow forms do with an exception ----
 * They have to catch whatever a replaced operator new or a new-handler throws. C has no catch, but
 * a personality routine of their own is all they need: it stops the exception in the frame that
 * made the call, ends it, and lets the call return there as if it had returned NULL. */

__attribute__((used, visibility("hidden"))) _Unwind_Reason_Code
operators_catch(int version, _Unwind_Action actions, _Unwind_Exception_Class exception_class,
                struct _Unwind_Exception *exception, struct _Unwind_Context *context) {
    (void)version, (void)exception_class;
    begin_catch_t *begin_catch =
        (begin_catch_t *)runtime_function(linked_begin_catch, "__cxa_begin_catch");
    function_t *end_catch = runtime_function(linked_end_catch, "__cxa_end_catch");
    set_register_t *set_register =
        (set_register_t *)runtime_function(linked_set_register, "_Unwind_SetGR");
    bool can_catch = begin_catch != NULL && end_catch != NULL && set_register != NULL;
    /* A forced unwinding is no exception but the end of the thread. */
    if (!can_catch || (actions & _UA_FORCE_UNWIND) != 0) return _URC_CONTINUE_UNWIND;
    if ((actions & _UA_SEARCH_PHASE) != 0) return _URC_HANDLER_FOUND;

    begin_catch(exception);
    end_catch();
    /* The context stands behind the call; the first data register is the one of return values. */
    set_register(context, __builtin_eh_return_data_regno(0), 0);
    return _URC_INSTALL_CONTEXT;
}

/* `block`, the result of a call just made; NULL when that call threw. Naming `block` keeps the
 * compiler from leaving the frame before the call (0x1b: a 32-bit distance from here). */
static always_inline void *null_if_thrown(void *block) {
    __asm__ volatile(".cfi_personality 0x1b, operators_catch" : "+r"(block));
    return block;
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
    void *block = eddy_malloc_aligned(size, alignment);
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

void delete_object(void *block) { fast_free(block); }

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
    fast_free(block);
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

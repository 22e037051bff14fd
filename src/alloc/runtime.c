/* SPDX-License-Identifier: MIT */
#include "alloc/runtime.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <unwind.h>

#include "eddy.h"
#include "os/os.h"

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

_Noreturn void runtime_throw_bad_alloc(size_t size) {
    function_t *throw = runtime_function(linked_throw_bad_alloc, "_ZSt17__throw_bad_allocv");
    if (throw != NULL) throw();
    os_say("operator new: no memory for %zu bytes, and no C++ runtime to throw std::bad_alloc "
           "(a static program needs -Wl,-u,_ZSt17__throw_bad_allocv)",
           size);
    abort();
}

/* The personality routine of null_if_thrown. */
__attribute__((used, visibility("hidden"))) _Unwind_Reason_Code
runtime_catch(int version, _Unwind_Action actions, _Unwind_Exception_Class exception_class,
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

/* Not NULL; it only returns when the handler did not throw. */
static __attribute__((noinline)) void *call(function_t *handler) {
    handler();
    return (void *)(uintptr_t)handler;
}

static __attribute__((noinline)) void *call_and_catch(function_t *handler) {
    return null_if_thrown(call(handler));
}

bool eddy_new_handler(size_t size, bool may_throw) {
    get_new_handler_t *get =
        (get_new_handler_t *)runtime_function(linked_get_new_handler, "_ZSt15get_new_handlerv");
    function_t *handler = get != NULL ? get() : NULL;
    if (handler == NULL && may_throw) runtime_throw_bad_alloc(size);
    if (handler == NULL) return false;
    return (may_throw ? call(handler) : call_and_catch(handler)) != NULL;
}

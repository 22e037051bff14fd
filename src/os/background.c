/* The background thread, as harmless a guest as a thread can be: it takes no signal, its stack is
 * small, and it is in no hurry.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

#include "os/os.h"

/* Address space; of it the thread touches a few kilobytes. */
enum { STACK_BYTES = 256 << 10 };

static pthread_t thread;
/* Written before the thread starts. */
static void (*body)(void);
static const char *thread_name;

/* It has inherited its policy from whichever thread started it. */
static void give_up_real_time(void) {
    int policy;
    struct sched_param priority;
    if (pthread_getschedparam(pthread_self(), &policy, &priority) != 0) return;
    if (policy != SCHED_FIFO && policy != SCHED_RR) return;
    priority.sched_priority = 0;
    (void)pthread_setschedparam(pthread_self(), SCHED_OTHER, &priority);
}

static void *run(void *unused) {
    give_up_real_time();
    prctl(PR_SET_NAME, thread_name);
    body();
    return unused;
}

/* A program with many thread-local variables leaves no room for them on a small stack. */
static bool create(void) {
    pthread_attr_t small;
    if (pthread_attr_init(&small) != 0) return false;
    bool fits = pthread_attr_setstacksize(&small, STACK_BYTES) == 0 &&
                pthread_create(&thread, &small, run, NULL) == 0;
    pthread_attr_destroy(&small);
    return fits || pthread_create(&thread, NULL, run, NULL) == 0;
}

bool os_background_start(void (*function)(void), const char *name) {
    if (os_refused(OS_THREAD)) return false;
    int saved = errno;
    sigset_t all, before;
    sigfillset(&all);
    body = function;
    thread_name = name;
    /* The thread starts with the mask of the thread that creates it. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = create();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return started;
}

void os_background_join(void) { pthread_join(thread, NULL); }

void os_background_leave(void) { pthread_detach(pthread_self()); }

bool os_is_loader(const void *code) {
    /* Its ELF header; none in a static program. */
    uintptr_t base = (uintptr_t)getauxval(AT_BASE);
    if (base == 0 || (uintptr_t)code < base) return false;
    const ElfW(Ehdr) *header = (const void *)base;
    const ElfW(Phdr) *segments = (const void *)(base + header->e_phoff);
    for (size_t i = 0; i < header->e_phnum; i++) {
        uintptr_t start = base + segments[i].p_vaddr;
        if (segments[i].p_type == PT_LOAD && (uintptr_t)code - start < segments[i].p_memsz) {
            return true;
        }
    }
    return false;
}

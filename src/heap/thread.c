/* SPDX-License-Identifier: MIT */
#include "heap/thread.h"

#include <pthread.h>

#include "heap/estate.h"
#include "heap/fork.h"
#include "heap/registry.h"
#include "heap/remote.h"
#include "heap/scavenge.h"
#include "heap/subheap.h"
#include "memory/span.h"
#include "os/os.h"

#define REPEAT4(x) x, x, x, x
#define REPEAT16(x) REPEAT4(x), REPEAT4(x), REPEAT4(x), REPEAT4(x)
#define NO_PAGES                                                                                   \
    {                                                                                              \
        .heap = {                                                                                  \
            .direct = {REPEAT16(&page_empty), REPEAT16(&page_empty), REPEAT16(&page_empty),        \
                       REPEAT16(&page_empty), &page_empty},                                        \
            .current = {REPEAT16(&page_empty), REPEAT16(&page_empty), REPEAT16(&page_empty),       \
                        REPEAT16(&page_empty), REPEAT16(&page_empty)},                             \
        },                                                                                         \
    }
_Static_assert(DIRECT_COUNT == 65 && CLASS_COUNT == 80, "NO_PAGES fills the tables");

thread_t thread_none = NO_PAGES;
thread_t thread_gone = NO_PAGES;
thread_t thread_nobody;
_Thread_local thread_t *thread_self = &thread_none;

static lock_t lock = LOCK_INIT(RANK_REGISTRY);
/* Guarded by `lock`. */
static thread_t *pool;    /* records of threads that have ended */
static thread_t *records; /* all; none is ever removed */
static thread_t *suspect; /* where reclaim goes on looking */
static bool key_made;
static bool forks_watched;

static _Atomic size_t count;
static _Atomic size_t starts;
static _Atomic bool records_refused; /* there was no memory for the last new record */
static pthread_key_t key;

size_t thread_count(void) { return load_relaxed(&count); }

/* In a child of a fork that ran handlers: who forked. */
static thread_t *forking;
static int forking_process;

static void note_forking(void) {
    forking = thread_self;
    forking_process = os_process_id();
}

thread_t *thread_survivor(void) {
    int process = os_process_id();
    if (os_thread_id() == process) return thread_self;
    return forking_process == process ? forking : NULL;
}

bool thread_was_alone(const thread_t *survivor) {
    return survivor != NULL && thread_is_started(survivor) && load_relaxed(&starts) == 1;
}

static void put_in_pool(thread_t *thread) {
    lock_acquire(&lock);
    thread->next = pool;
    pool = thread;
    lock_release(&lock);
}

/* Let go of everything the record holds; by its thread, or once the thread is gone. */
static void abandon(thread_t *thread) {
    remote_flush(thread);
    subheap_abandon_all(thread);
    heap_abandon(&thread->heap);
    estate_leave(&thread->heap);
    if (sub_relaxed(&count, 1) == 1) scavenge_stop();
}

/* The exit handler of a thread. Later destructors may still allocate: then the thread takes a
 * record again and, if another round of destructors comes, this runs again. */
static void end(void *argument) {
    thread_t *thread = argument;
    if (thread != thread_self) return;
    /* In a child thread_self tells who has survived: the repair comes before it changes. */
    forked_check();
    thread_self = &thread_gone;
    if (os_thread_id() == os_process_id()) scavenge_outlive_main();
    abandon(thread);
    put_in_pool(thread);
}

/* A record whose thread has ended unseen, now the caller's; a few are looked at in turn, of records
 * alone: among all heaps a run of others, as of estates, would hide them, and each search in vain
 * makes one record more. Each look costs two system calls: one is enough where every malloc of the
 * thread comes here and fails. */
static thread_t *reclaim(void) {
    enum { LOOKS = 4 };
    int looks = load_relaxed(&records_refused) ? 1 : LOOKS;
    thread_t *found = NULL;
    lock_acquire(&lock);
    for (; looks > 0 && found == NULL; looks--) {
        thread_t *thread = suspect != NULL ? suspect : records;
        if (thread == NULL) break;
        suspect = thread->next_of_all;
        if (load_relaxed(&thread->heap.state) != HEAP_LIVE) continue;
        if (os_thread_is_alive(load_relaxed(&thread->id))) continue;
        store_relaxed(&thread->id, os_thread_id());
        found = thread;
    }
    lock_release(&lock);
    if (found != NULL) abandon(found);
    return found;
}

static void add_to_records(thread_t *thread) {
    lock_acquire(&lock);
    thread->next_of_all = records;
    records = thread;
    lock_release(&lock);
}

static thread_t *take_from_pool(void) {
    lock_acquire(&lock);
    thread_t *thread = pool;
    if (thread != NULL) pool = thread->next;
    if (!key_made) key_made = pthread_key_create(&key, end) == 0;
    if (!forks_watched) forked_watch(fork_repair);
    forks_watched = true;
    lock_release(&lock);
    return thread != NULL ? thread : reclaim();
}

/* The C library may allocate for either handler: the record is in place, and no lock held. Without
 * the first the survivor of a fork may not be known, without the second the record stays with the
 * thread for good. */
static void set_handlers(thread_t *thread) {
    static _Atomic bool process_is_known;
    bool no = false;
    if (swap_strong_relaxed(&process_is_known, &no, true)) {
        forked_handle(note_forking);
        /* Asked by a single thread the kernel says so at once; later it lets who asks wait for all
         * processors, some ten milliseconds, and all who need the answer meanwhile. */
        (void)os_barrier_available();
    }
    if (key_made) pthread_setspecific(key, thread);
}

thread_t *thread_start(void) {
    if (thread_is_started(thread_self)) return thread_self;
    add_relaxed(&starts, 1);
    if (!span_start()) return NULL;
    thread_t *thread = take_from_pool();
    bool is_new = thread == NULL;
    if (is_new) {
        thread = registry_allocate(sizeof *thread);
        store_relaxed(&records_refused, thread == NULL);
    }
    if (thread == NULL) return NULL;
    /* Before the heap is live: reclaim looks at both. */
    store_relaxed(&thread->id, os_thread_id());
    if (is_new) heap_init(&thread->heap);
    heap_start(&thread->heap, thread);
    thread->standard = &thread->heap;
    thread->in_heartbeat = false;
    thread->is_ending = thread_self == &thread_gone;
    if (is_new) {
        registry_add(&thread->heap);
        add_to_records(thread);
    }
    add_relaxed(&count, 1);
    thread_self = thread;
    set_handlers(thread);
    /* Of many threads that each allocate little, none may ever look at the clock (heap/heap.c). */
    scavenge_consider(os_now_ms(), false);
    return thread;
}

static void forget_remote(thread_t *thread) {
    for (size_t i = 0; i < REMOTE_ENTRIES; i++) thread->remote[i] = (remote_entry_t){0};
    thread->remote_open = 0;
    thread->subheaps = NULL;
}

void thread_repair(const thread_t *survivor) {
    lock_init(&lock, RANK_REGISTRY);
    pool = records = suspect = NULL;
    size_t survivors = 0;
    for (heap_t *heap = registry_first(); heap != NULL; heap = heap->next_of_all) {
        thread_t *thread = thread_of_ordinary(heap);
        if (thread == NULL) continue;
        thread->next_of_all = records;
        records = thread;
        if (thread_has_survived(heap, survivor)) {
            /* Whoever forked is the first thread of this process. */
            store_relaxed(&thread->id, os_process_id());
            survivors++;
        } else {
            forget_remote(thread);
            thread->next = pool;
            pool = thread;
        }
    }
    store_relaxed(&count, survivors);
}

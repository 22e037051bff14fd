/* SPDX-License-Identifier: MIT */
#include "heap/scavenge.h"

#include "config/options.h"
#include "heap/errand.h"
#include "heap/idle.h"
#include "heap/registry.h"
#include "heap/thread.h"
#include "memory/alarm.h"
#include "memory/demand.h"
#include "memory/span.h"
#include "os/os.h"

enum { NEVER, AUTO, ALWAYS }; /* EDDY_OPTION_SCAVENGER */

/* What a single thread may hold free before it gets company. */
enum { AUTO_SLICES = (32 << 20) >> SLICE_SHIFT };
enum { RETRY_MS = 10000 };
/* The clock is coarse: a little behind the start of a window, it lies in that window. */
enum { WINDOW_LEAST_MS = 10, CLOCK_GRAIN_MS = 8 };
/* Without decay it has work beyond the soft limit only. */
enum { NO_DECAY_WINDOW_MS = 250 };
/* Waiting for the last block of a page grows up to so many windows: an owner that frees it tells
 * nobody where others freed the rest, and what it frees is to go back within two seconds. */
enum { PATIENCE_MOST = 4 };
/* How soon a process ends whose last thread ended unseen. */
enum { OUTLIVE_MS = 1000 };

/* What the thread is called for while it rests. */
enum { CALL_NONE, CALL_REPORT, CALL_STOP };

_Atomic uint32_t scavenge_state;
static _Atomic uint32_t call;
static _Atomic bool main_ended;
static _Atomic uint64_t retry_at_ms;

/* The scavenger's own, or the test's that makes a pass. */
static uint32_t rounds;

/* ---- one pass ---- */

static bool stops(void) { return load_acquire(&call) == CALL_STOP; }

static void release_surplus(uint64_t now_ms) {
    for (heap_t *heap = registry_first(); heap != NULL; heap = heap->next_of_all) {
        while (heap_housekeep(heap, now_ms) && !stops()) continue;
    }
}

/* Take the pages that their owners have not seen empty; whether they are to be looked at again
 * soon, through *waiting whether some day. */
static bool take_idle(bool *waiting) {
    if (++rounds == 0) rounds = 1;
    list_t taken;
    list_init(&taken);
    bool at_once = option_get(EDDY_OPTION_DECAY_MS) == 0;
    idle_round_t round = {.number = rounds, .at_once = at_once, .detached = &taken};
    for (heap_t *heap = registry_first(); heap != NULL && !stops(); heap = heap->next_of_all) {
        idle_sweep(heap, &round);
        /* Not held back until all heaps are seen: somebody may want it. */
        if (!list_is_empty(&taken)) (void)idle_free_taken(&taken);
    }
    bool freed = idle_free_taken(&taken);
    *waiting = round.waiting;
    return round.aging || !freed;
}

static bool keeps_all(void) {
    return option_get(EDDY_OPTION_DECAY_MS) < 0 && !load_relaxed(&demand_is_tight);
}

static size_t retained_slices(void) {
    size_t slices = 0;
    for (heap_t *heap = registry_first(); heap != NULL; heap = heap->next_of_all) {
        slices += load_relaxed(&heap->retained_slices);
    }
    return slices;
}

scavenge_result_t scavenge_pass(uint64_t now_ms) {
    if (keeps_all()) return SCAVENGE_NOTHING;
    bool waiting = false;
    release_surplus(now_ms);
    bool aging = os_barrier_available() && take_idle(&waiting);
    do span_housekeep(now_ms);
    while (span_is_behind(now_ms) && !stops());
    if (aging || retained_slices() > 0 || span_dirty() > 0) return SCAVENGE_BUSY;
    return waiting ? SCAVENGE_WAITING : SCAVENGE_NOTHING;
}

/* ---- the thread ---- */

static uint64_t window_ms(void) {
    int64_t decay_ms = option_get(EDDY_OPTION_DECAY_MS), half = decay_ms / 2;
    if (decay_ms < 0) return NO_DECAY_WINDOW_MS;
    return half < WINDOW_LEAST_MS ? WINDOW_LEAST_MS : (uint64_t)half;
}

static int limit_ms(uint64_t ms) { return ms > INT_MAX ? INT_MAX : (int)ms; }

static void rest(uint64_t ms) { os_wait(&call, CALL_NONE, limit_ms(ms)); }

static void answer_call(void) {
    uint32_t report = CALL_REPORT;
    (void)swap_strong_relaxed(&call, &report, CALL_NONE);
    errand_report();
}

/* Whether nothing is there to be returned, and what comes will ring. */
static bool is_quiet(void) {
    bool quiet = span_dirty() == 0;
    /* Behind the lock of that look: under it memory becomes tight, and who sees to that rings. */
    if (keeps_all()) return true;
    for (heap_t *heap = registry_first(); heap != NULL; heap = heap->next_of_all) {
        if (load_relaxed(&heap->state) == HEAP_LIVE) quiet &= heap_arm(heap);
    }
    return quiet;
}

/* Until the alarm is rung, or so long; false when something came up before anybody could be told to
 * ring. */
static bool sleep_until_rung(int most_ms) {
    if (!alarm_sleep()) return false;
    bool quiet = is_quiet();
    if (load_relaxed(&main_ended) && (most_ms < 0 || most_ms > OUTLIVE_MS)) most_ms = OUTLIVE_MS;
    if (quiet && !stops()) alarm_wait(most_ms);
    return quiet;
}

static bool is_only_thread(void) {
    if (!load_relaxed(&main_ended)) return false;
    for (heap_t *heap = registry_first(); heap != NULL; heap = heap->next_of_all) {
        thread_t *thread = thread_of_ordinary(heap);
        bool live = thread != NULL && load_relaxed(&heap->state) == HEAP_LIVE;
        if (live && os_thread_is_alive(load_relaxed(&thread->id))) return false;
    }
    return true;
}

/* The thread ends. Unless somebody waits for that, nobody will. Ordered: the next scavenger sees
 * what this one did. */
static void end(void) {
    alarm_leave();
    while (load_relaxed(&scavenge_state) == SCAVENGE_STARTING) os_yield();
    uint32_t running = SCAVENGE_RUNNING;
    if (swap_strong_ordered(&scavenge_state, &running, SCAVENGE_ABSENT)) os_background_leave();
}

static void run(void) {
    unsigned patience = 1;
    while (!stops() && option_get(EDDY_OPTION_SCAVENGER) != NEVER && !is_only_thread()) {
        bool rung = alarm_set();
        answer_call();
        uint64_t now_ms = os_now_ms();
        scavenge_result_t result = scavenge_pass(now_ms);
        /* While all is kept, mostly memory that came free has rung: not worth a look at once. */
        if (result == SCAVENGE_NOTHING && sleep_until_rung(-1) && !keeps_all()) continue;
        patience = rung || result != SCAVENGE_WAITING ? 1 : patience * 2;
        if (patience > PATIENCE_MOST) patience = PATIENCE_MOST;
        uint64_t length = window_ms();
        rest(length - now_ms % length + CLOCK_GRAIN_MS);
        /* What comes up while a page is waited for does not wait. */
        if (patience > 1) (void)sleep_until_rung(limit_ms((patience - 1) * length));
    }
    end();
}

/* ---- when it runs ---- */

/* What heaps retain, added up over several looks where there are many: a round begins when a window
 * turns. Only for is_due: two threads that look at once may count a heap twice, or not. */
static _Atomic(heap_t *) round_at; /* the heap to go on with; NULL: no round is under way */
static _Atomic size_t round_slices;

static size_t retained_in_round(bool turned) {
    /* Acquire pairs with the release below: the struct is seen as who named it saw it. */
    heap_t *heap = load_acquire(&round_at);
    size_t slices = heap != NULL ? load_relaxed(&round_slices) : 0;
    if (heap == NULL && turned) heap = registry_first();
    for (int looks = 0; heap != NULL && looks < REGISTRY_LOOKS; looks++) {
        slices += load_relaxed(&heap->retained_slices);
        heap = heap->next_of_all;
    }
    store_relaxed(&round_slices, slices);
    store_release(&round_at, heap);
    return slices;
}

static bool is_allowed(int64_t mode) { return mode != NEVER && !keeps_all(); }

/* A thread that has no record so far may be the one that frees all, once nobody allocates. */
static bool has_threads(void) {
    const char *single = os_single_threaded();
    return single != NULL ? *single == 0 : thread_count() > 1;
}

static bool is_due(uint64_t now_ms, bool turned) {
    int64_t mode = option_get(EDDY_OPTION_SCAVENGER);
    if (!is_allowed(mode)) return false;
    if (now_ms < load_relaxed(&retry_at_ms)) return false;
    if (mode == ALWAYS || has_threads()) return true;
    /* A burst that comes and goes between two windows shows in the thread's own heap. */
    size_t own = load_relaxed(&thread_self->heap.retained_slices);
    return size_max(own, retained_in_round(turned)) + span_dirty() > AUTO_SLICES;
}

void scavenge_consider(uint64_t now_ms, bool turned) {
    if (scavenge_is_absent() && is_due(now_ms, turned)) errand_set(ERRAND_SCAVENGER, true);
}

bool scavenge_start(const void *caller) {
    if (thread_self->is_ending || os_is_loader(caller)) return false;
    if (!errand_set(ERRAND_SCAVENGER, false)) return false;
    /* The program may have set it since it was due. */
    if (!is_allowed(option_get(EDDY_OPTION_SCAVENGER))) return false;
    uint32_t absent = SCAVENGE_ABSENT;
    if (!swap_strong_ordered(&scavenge_state, &absent, SCAVENGE_STARTING)) return false;
    store_relaxed(&call, CALL_NONE);
    bool started = os_background_start(run, "eddy-scavenger");
    if (!started) store_relaxed(&retry_at_ms, os_now_ms() + RETRY_MS);
    /* Release pairs with the acquire of who changes the state next. */
    store_release(&scavenge_state, started ? SCAVENGE_RUNNING : SCAVENGE_ABSENT);
    return true;
}

void scavenge_stop(void) {
    forked_check();
    uint32_t running = SCAVENGE_RUNNING;
    if (!swap_strong_acquire(&scavenge_state, &running, SCAVENGE_ENDING)) return;
    /* Release pairs with the acquire in stops. */
    store_release(&call, CALL_STOP);
    os_wake_one(&call);
    alarm_ring_always();
    os_background_join();
    store_release(&scavenge_state, SCAVENGE_ABSENT);
}

void scavenge_call_report(void) {
    errand_set(ERRAND_REPORT, true);
    uint32_t none = CALL_NONE;
    if (swap_strong_relaxed(&call, &none, CALL_REPORT)) os_wake_one(&call);
    alarm_ring();
}

void scavenge_outlive_main(void) {
    store_relaxed(&main_ended, true);
    alarm_ring_always();
}

void scavenge_repair(void) {
    store_relaxed(&scavenge_state, SCAVENGE_ABSENT);
    store_relaxed(&main_ended, false);
    errand_set(ERRAND_SCAVENGER, false);
    alarm_leave();
}

/* Forks beside threads that churn, one that flushes stdio and one that opens files: every child has
 * a whole allocator, and all blocks of the vanished threads but what was in their hands.
 * SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/syscall.h>

#include "common/forked.h"
#include "common/random_block.h"
#include "common/stress.h"

enum { CHURNERS_MAX = 16, SLOTS = 200, SHARED = 64, CHURN_BITS = 14, NO_SLOT = -1 };

/* What a vanished thread may take with it (heap/fork.h), with blocks of up to 16 KiB: while it
 * freed, eight gathered chains of 16 KiB, a block and a token; while it allocated, what others had
 * freed of one page, 256 KiB at most. And the block that the program had in hand. */
enum {
    LOST_FREEING = (8 * 16 + 2 * 16) << 10,
    LOST_ALLOCATING = 256 << 10,
    LEAK_PER_THREAD = (LOST_FREEING > LOST_ALLOCATING ? LOST_FREEING : LOST_ALLOCATING) + (16 << 10)
};

static size_t churners, forks;

/* ---- the threads beside ---- */

/* `busy` is the slot that the thread is at work on: what it holds then is unknown to a child. */
typedef struct churner {
    pthread_t thread;
    uint64_t random;
    _Atomic(void *) slots[SLOTS];
    atomic_int busy;
} churner_t;

static churner_t team[CHURNERS_MAX];
static _Atomic(void *) shared[SHARED];
static pthread_t flusher, opener;
static atomic_bool over;
static atomic_size_t at_work;

static void *churn_block(uint64_t *random) {
    size_t size = sealable(random_size_to(random, CHURN_BITS));
    void *block = eddy_malloc(size);
    check(block != NULL);
    return seal(block, size);
}

/* Allocate, free, or exchange with the other threads. */
static void *churn_step(uint64_t *random, void *block) {
    if (random_one_in(random, 3)) {
        return atomic_exchange(&shared[random_below(random, SHARED)], block);
    }
    if (block == NULL) return churn_block(random);
    sealed_free(block);
    return NULL;
}

static void *churn(void *argument) {
    churner_t *self = argument;
    atomic_fetch_add(&at_work, 1);
    while (!atomic_load(&over)) {
        int slot = (int)random_below(&self->random, SLOTS);
        atomic_store(&self->busy, slot);
        void *block = atomic_load(&self->slots[slot]);
        atomic_store(&self->slots[slot], churn_step(&self->random, block));
        atomic_store(&self->busy, NO_SLOT);
    }
    return NULL;
}

static void *flush_streams(void *unused) {
    atomic_fetch_add(&at_work, 1);
    while (!atomic_load(&over)) fflush(NULL);
    return unused;
}

static void *open_streams(void *unused) {
    atomic_fetch_add(&at_work, 1);
    while (!atomic_load(&over)) {
        FILE *file = fopen("/dev/null", "w");
        if (file != NULL) fclose(file);
    }
    return unused;
}

/* A thread that starts or ends, or opens streams, holds locks of the address sanitizer's, which
 * nobody repairs in a child: one that starts a thread would wait for them. */
static void start_threads(void) {
    for (size_t i = 0; i < churners; i++) {
        team[i].random = crew_seed(i);
        atomic_store(&team[i].busy, NO_SLOT);
        check(pthread_create(&team[i].thread, NULL, churn, &team[i]) == 0);
    }
    check(pthread_create(&flusher, NULL, flush_streams, NULL) == 0);
    if (!SANITIZED) check(pthread_create(&opener, NULL, open_streams, NULL) == 0);
    while (atomic_load(&at_work) < churners + (SANITIZED ? 1 : 2)) sched_yield();
}

static void drop(_Atomic(void *) *place) {
    void *block = atomic_exchange(place, NULL);
    if (block != NULL) sealed_free(block);
}

/* By the process where no other thread is at work. */
static void drop_all(void) {
    for (size_t i = 0; i < SHARED; i++) drop(&shared[i]);
    for (size_t i = 0; i < churners; i++) {
        for (int slot = 0; slot < SLOTS; slot++) {
            if (slot != atomic_load(&team[i].busy)) drop(&team[i].slots[slot]);
        }
    }
    eddy_collect();
}

static void end_threads(void) {
    atomic_store(&over, true);
    for (size_t i = 0; i < churners; i++) check(pthread_join(team[i].thread, NULL) == 0);
    check(pthread_join(flusher, NULL) == 0);
    if (!SANITIZED) check(pthread_join(opener, NULL) == 0);
}

/* ---- the children ---- */

static size_t bytes_before;

static size_t live_bytes(void) {
    eddy_stats_t stats;
    eddy_stats_get(&stats, sizeof stats);
    return stats.live_bytes;
}

/* The thread sanitizer does not let the child of several threads start one: it takes the vanished
 * threads' numbers for used. */
static void allocate_in_all_threads(void) {
    if (TSAN)
        child_allocate(NULL);
    else
        child_allocate_in_two_threads();
}

/* Whatever a vanished thread knew is intact, once, and can be freed. */
static void free_what_is_known(void) {
    child_allocate(NULL);
    drop_all();
    size_t lost = live_bytes() - bytes_before;
    check(lost <= churners * LEAK_PER_THREAD);
    allocate_in_all_threads();
}

static void begin_with_a_thread(void) {
    child_allocate_in_two_threads();
    free_what_is_known();
}

/* As fork, but the memory of a child that runs no handlers. */
static pid_t fork_by_system_call(void) {
    return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static void child_of(pid_t (*how)(void), child_fn *body) {
    pid_t child = how();
    if (child == 0) child_live(body);
    child_wait(child);
}

static void *fork_in_thread(void *body) {
    fork_and_wait(*(child_fn **)body);
    return NULL;
}

/* ---- tests ---- */

static void children_free_the_blocks_of_vanished_threads(void **state) {
    (void)state;
    for (size_t i = 0; i < forks; i++) fork_and_wait(free_what_is_known);
}

static void children_begin_with_threads(void **state) {
    (void)state;
    if (TSAN) skip();
    for (size_t i = 0; i < forks; i++) fork_and_wait(begin_with_a_thread);
}

/* It has never used Eddy. */
static void a_new_thread_forks(void **state) {
    (void)state;
    if (TSAN) skip();
    for (size_t i = 0; i < forks; i++) {
        child_fn *body = i % 2 == 0 ? free_what_is_known : begin_with_a_thread;
        run_thread(fork_in_thread, &body);
    }
}

/* The sanitizer's own locks are not repaired in these children. */
static void children_without_fork_handlers(void **state) {
    (void)state;
    if (SANITIZED) skip();
    for (size_t i = 0; i < forks; i++) {
        child_of(_Fork, free_what_is_known);
        child_of(fork_by_system_call, free_what_is_known);
    }
}

/* Who forked cannot be known where another thread is the first to take a lock. */
static void children_without_fork_handlers_begin_with_threads(void **state) {
    (void)state;
    if (SANITIZED) skip();
    for (size_t i = 0; i < forks; i++) child_of(_Fork, begin_with_a_thread);
}

/* By itself: no variable of the caller may live in a register that the child changes. */
static __attribute__((noinline)) pid_t start_true(void) {
    pid_t child = vfork();
    if (child == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(127);
    }
    return child;
}

static void children_that_share_memory_until_they_exec(void **state) {
    (void)state;
    for (size_t i = 0; i < forks; i++) child_wait(start_true());
}

static void grandchildren(void) {
    child_allocate_in_two_threads();
    fork_and_wait(free_what_is_known);
    free_what_is_known();
}

static void children_that_fork(void **state) {
    (void)state;
    if (TSAN) skip();
    for (size_t i = 0; i < forks / 4; i++) fork_and_wait(grandchildren);
}

/* Nothing is torn, but the thread that forked goes on under another number. */
static void a_child_of_the_only_thread_starts_threads(void **state) {
    (void)state;
    child_allocate_few();
    for (size_t i = 0; i < forks; i++) fork_and_wait(child_allocate_in_two_threads);
}

static int start(void **state) {
    (void)state;
    child_allocate(NULL);
    child_allocate_few();
    bytes_before = live_bytes();
    start_threads();
    return 0;
}

static int end(void **state) {
    (void)state;
    end_threads();
    drop_all();
    return 0;
}

int main(int argc, char **argv) {
    stress_start(argc, argv);
    churners = stress_argument("churners", 4);
    forks = stress_argument("forks", 15);
    check(churners <= CHURNERS_MAX);
    stress_check_arguments();
    child_prepare();
    const struct CMUnitTest alone[] = {
        cmocka_unit_test(a_child_of_the_only_thread_starts_threads),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_free_the_blocks_of_vanished_threads),
        cmocka_unit_test(children_begin_with_threads),
        cmocka_unit_test(a_new_thread_forks),
        cmocka_unit_test(children_without_fork_handlers),
        cmocka_unit_test(children_without_fork_handlers_begin_with_threads),
        cmocka_unit_test(children_that_share_memory_until_they_exec),
        cmocka_unit_test(children_that_fork),
    };
    return cmocka_run_group_tests(alone, NULL, NULL) + cmocka_run_group_tests(tests, start, end);
}

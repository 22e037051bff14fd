/* The first use of Eddy in a child repairs what vanished threads left. It may be any call, by any
 * thread, while the one that forked is anywhere outside of Eddy, frees, or forks again.
 * SPDX-License-Identifier: MIT */
#include "common/forked.h"
#include "common/preempt.h"
#include "heap/thread.h"

enum { LARGE = 300 * KIB, OBJECTS = 20, BLOCKS = 300, SIZE = KIB, LIMIT = 4 * MIB };
enum { NO_SUCH_POINT = 3 };

/* It vanishes in the children, so that there is something to repair. */
static actor_t other;
static void *kept[BLOCKS], *untouched[BLOCKS], *object, *limited_object;
static eddy_heap_t *limited;

/* ---- what comes first ---- */

static void allocate_many(void) {
    void *objects[OBJECTS], *blocks[BLOCKS];
    for (size_t i = 0; i < OBJECTS; i++) objects[i] = sealed_malloc(LARGE);
    for (size_t i = 0; i < BLOCKS; i++) blocks[i] = sealed_malloc(SIZE);
    for (size_t i = 0; i < BLOCKS; i++) check(kept[i] == NULL || is_sealed(kept[i]));
    for (size_t i = 0; i < BLOCKS; i++) sealed_free(blocks[i]);
    for (size_t i = 0; i < OBJECTS; i++) sealed_free(objects[i]);
}

static void use_all(void) {
    schedule_hook = NULL;
    allocate_many();
    for (size_t i = 0; i < BLOCKS; i++) sealed_drop(&kept[i]);
    for (size_t i = 0; i < BLOCKS; i++) sealed_drop(&untouched[i]);
    eddy_collect();
    allocate_many();
}

static void free_a_large_object(void) {
    sealed_free(object);
    use_all();
}

static void a_large_object_is_freed_first(void **state) {
    (void)state;
    fork_and_wait(free_a_large_object);
}

static pthread_t forking;

static void *compare_records(void *record) {
    sealed_free(sealed_malloc(SIZE));
    check(thread_self != record);
    _exit(EXIT_SUCCESS);
}

static void *outlive_who_forked(void *unused) {
    pthread_t second;
    check(pthread_join(forking, NULL) == 0);
    use_all();
    check(pthread_create(&second, NULL, compare_records, thread_self) == 0);
    check(pthread_join(second, NULL) == 0);
    return unused;
}

static void end_before_others_begin(void) {
    pthread_t thread;
    forking = pthread_self();
    check(pthread_create(&thread, NULL, outlive_who_forked, NULL) == 0);
    pthread_exit(NULL);
}

static void who_forked_ends_first(void **state) {
    (void)state;
    if (TSAN) skip();
    fork_and_wait(end_before_others_begin);
}

/* ---- beside the repair: another thread is in the middle of it ---- */

static _Thread_local bool counts;
static size_t stop_at;
static long patience_ms; /* how long the stopped one stays so: the other may have to wait for it */

static void stop_here(void) {
    if (!counts || atomic_fetch_add(&preempt.seen, 1) + 1 != stop_at) return;
    struct timespec until = preempt_deadline(patience_ms);
    sem_post(&preempt.reached);
    while (sem_timedwait(&preempt.resumed, &until) != 0 && errno == EINTR) continue;
}

static void *repair(void *unused) {
    counts = true;
    sealed_free(sealed_malloc(SIZE));
    counts = false;
    atomic_store(&child_thread_is_done, true);
    return unused;
}

/* In a child: `beside` while a second thread stands before its n-th operation. */
static void stop_a_repair(child_fn *beside) {
    pthread_t thread;
    alarm(CHILD_SECONDS);
    schedule_hook = stop_here;
    check(pthread_create(&thread, NULL, repair, NULL) == 0);
    bool done, stops;
    do {
        done = atomic_load(&child_thread_is_done);
        stops = sem_trywait(&preempt.reached) == 0;
        if (!done && !stops) usleep(50);
    } while (!done && !stops);
    if (stops) beside();
    sem_post(&preempt.resumed);
    check(pthread_join(thread, NULL) == 0);
    if (stops) use_all();
    _exit(stops ? EXIT_SUCCESS : NO_SUCH_POINT);
}

static void at_every_point(void (*stop)(child_fn *), child_fn *argument, long patience) {
    patience_ms = patience;
    int status = 0;
    for (stop_at = 1; status == 0; stop_at += POINTS_APART) {
        pid_t child = fork();
        if (child == 0) stop(argument);
        check(child > 0 && waitpid(child, &status, 0) == child);
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == NO_SUCH_POINT);
    assert_true(stop_at > 10);
}

static void at_every_point_of_the_repair(child_fn *beside, long patience) {
    at_every_point(stop_a_repair, beside, patience);
}

static void fork_again(void) { fork_and_wait(use_all); }

static void a_fork_at_every_point_of_the_repair(void **state) {
    (void)state;
    if (TSAN) skip();
    at_every_point_of_the_repair(fork_again, LONG_MS);
}

static void free_a_third(void) {
    for (size_t i = 0; i < BLOCKS; i += 3) sealed_drop(&kept[i]);
}

static void frees_at_every_point_of_the_repair(void **state) {
    (void)state;
    if (TSAN) skip();
    at_every_point_of_the_repair(free_a_third, PATIENCE_MS);
}

/* It ends with a record of a thread that has vanished. */
static void *repair_meanwhile(void *unused) {
    while (sem_wait(&preempt.reached) != 0) continue;
    sealed_free(sealed_malloc(SIZE));
    sem_post(&preempt.resumed);
    return unused;
}

static void *left;

static void *leave_a_block(void *unused) {
    left = sealed_malloc(SIZE);
    return unused;
}

/* In a child: a second thread repairs, and ends, while `body` stands before its n-th operation. A
 * third ends after that with the same record, and leaves a page. */
static void stop_beside_a_repair(child_fn *body) {
    pthread_t thread;
    alarm(CHILD_SECONDS);
    check(pthread_create(&thread, NULL, repair_meanwhile, NULL) == 0);
    schedule_hook = stop_here;
    counts = true;
    body();
    counts = false;
    bool stopped = atomic_load(&preempt.seen) >= stop_at;
    if (!stopped) sem_post(&preempt.reached);
    check(pthread_join(thread, NULL) == 0);
    schedule_hook = NULL;
    check(pthread_create(&thread, NULL, leave_a_block, NULL) == 0);
    check(pthread_join(thread, NULL) == 0);
    sealed_drop(&left);
    use_all();
    _exit(stopped ? EXIT_SUCCESS : NO_SUCH_POINT);
}

/* Of a full page, which is given some of them: its heap is told so. */
static void free_untouched(void) {
    for (size_t i = 0; i < BLOCKS / 4; i++) sealed_drop(&untouched[i]);
}

static void a_repair_at_every_point_of_frees(void **state) {
    (void)state;
    if (TSAN) skip();
    at_every_point(stop_beside_a_repair, free_untouched, PATIENCE_MS);
}

/* What the heap holds is counted anew by the repair. */
static void free_limited_object(void) {
    eddy_free(limited_object);
    void *block = eddy_heap_malloc(limited, LIMIT / 2);
    check(block != NULL);
    eddy_free(block);
}

static void a_large_object_of_a_heap_is_freed_at_every_point_of_the_repair(void **state) {
    (void)state;
    if (TSAN) skip();
    at_every_point_of_the_repair(free_limited_object, PATIENCE_MS);
}

/* ---- tests ---- */

/* Pages that are full, that others have freed blocks of, and of which blocks were freed at home. */
static void fill_pages(void *unused) {
    (void)unused;
    for (size_t i = 0; i < BLOCKS; i++) untouched[i] = sealed_malloc(SIZE / 2);
    for (size_t i = 0; i < BLOCKS; i++) kept[i] = sealed_malloc(SIZE);
    for (size_t i = 0; i < BLOCKS / 3; i += 2) sealed_drop(&kept[i]);
}

static int start(void **state) {
    (void)state;
    sem_init(&preempt.reached, 0, 0);
    sem_init(&preempt.resumed, 0, 0);
    limited = eddy_heap_new();
    check(limited != NULL && eddy_heap_set_limit(limited, LIMIT) == 0);
    limited_object = eddy_heap_malloc(limited, LARGE);
    object = sealed_malloc(LARGE);
    check(limited_object != NULL);
    actor_start(&other);
    actor_do(&other, fill_pages, NULL);
    for (size_t i = BLOCKS / 2; i < BLOCKS; i += 3) sealed_drop(&kept[i]);
    return 0;
}

static int end(void **state) {
    (void)state;
    actor_end(&other);
    use_all();
    sealed_free(object);
    eddy_heap_destroy(limited);
    return live_blocks() == 0 ? 0 : -1;
}

int main(void) {
    child_prepare();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_object_is_freed_first),
        cmocka_unit_test(who_forked_ends_first),
        cmocka_unit_test(a_fork_at_every_point_of_the_repair),
        cmocka_unit_test(frees_at_every_point_of_the_repair),
        cmocka_unit_test(a_repair_at_every_point_of_frees),
        cmocka_unit_test(a_large_object_of_a_heap_is_freed_at_every_point_of_the_repair),
    };
    return cmocka_run_group_tests(tests, start, end);
}

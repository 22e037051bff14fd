/* The thread that returns memory is a guest: no program sees it before there is much to return, and
 * none ends, forks or locks itself up differently because of it. Each test is a process of its
 * own.
 * SPDX-License-Identifier: MIT */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "common/guest.h"

enum { MUCH = 96 << 20 };

/* ---- when it starts ---- */

static void little(void) {
    for (int i = 0; i < 100; i++) burst(LITTLE);
    check(kernel_threads() == 1);
    /* What a sandbox asks for at its start, of a process with one thread only. */
    if (unshare(CLONE_NEWUSER) != 0) check(errno != EINVAL);
}

static void a_program_with_one_thread_and_little_memory_stays_alone(void **state) {
    (void)state;
    assert_in_child(little);
}

static void join_own_namespace(void) {
    burst(LITTLE);
    int names = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    check(names >= 0);
    if (setns(names, CLONE_NEWNS) == 0) return;
    /* Asked of who may first, and of how many threads there are afterwards. */
    if (errno == EPERM) _exit(SKIPPED);
    check(errno != EINVAL);
}

static void a_program_that_stays_alone_may_join_a_namespace(void **state) {
    (void)state;
    assert_in_child(join_own_namespace);
}

static void much(void) {
    burst(MUCH);
    check(has_scavenger());
}

static void much_free_memory_starts_it(void **state) {
    (void)state;
    assert_in_child(much);
}

static void threads(void) {
    pthread_t thread;
    check(pthread_create(&thread, NULL, burst_in_thread, NULL) == 0);
    burst(LITTLE);
    check(pthread_join(thread, NULL) == 0);
}

static void *burst_and_look(void *unused) {
    check(has_scavenger());
    return unused;
}

static void a_second_thread(void) {
    burst(LITTLE);
    run_thread(burst_and_look, NULL);
}

static void a_second_thread_starts_it(void **state) {
    (void)state;
    assert_in_child(a_second_thread);
}

static void await_rss(size_t most) {
    for (int ms = 0; ms < PATIENCE_MS && rollup_rss() > most; ms += 20) pause_ms(20);
    check(rollup_rss() <= most);
}

enum { FEW_THREADS = 8, FEW_BLOCKS = 48, FEW_SIZE = 60000 };

static pthread_barrier_t few_done;

/* Five pages: too few slow entries for a look at the clock. Then the thread sleeps. */
static void *burst_of_few(void *unused) {
    void *blocks[FEW_BLOCKS];
    for (size_t i = 0; i < FEW_BLOCKS; i++) {
        blocks[i] = malloc(FEW_SIZE);
        check(blocks[i] != NULL);
        memset(blocks[i], 1, FEW_SIZE);
    }
    for (size_t i = 0; i < FEW_BLOCKS; i++) free(blocks[i]);
    pthread_barrier_wait(&few_done);
    for (;;) pause_ms(1000);
    return unused;
}

static void many_threads(void) {
    size_t before = rollup_rss(), most = FEW_THREADS * FEW_BLOCKS * FEW_SIZE;
    check(pthread_barrier_init(&few_done, NULL, FEW_THREADS + 1) == 0);
    for (size_t i = 0; i < FEW_THREADS; i++) {
        pthread_t thread;
        check(pthread_create(&thread, NULL, burst_of_few, NULL) == 0);
    }
    pthread_barrier_wait(&few_done);
    /* Each thread keeps its current page, a fifth of its burst. */
    await_rss(before + most / 2);
}

static void the_small_bursts_of_many_threads_go_back(void **state) {
    (void)state;
    assert_in_child(many_threads);
}

static void never(void) {
    check(eddy_option_set(EDDY_OPTION_SCAVENGER, 0) == 0);
    for (int i = 0; i < 20; i++) {
        burst(MUCH);
        threads();
        pause_ms(20);
    }
    check(kernel_threads() == 1);
}

static void never_is_never(void **state) {
    (void)state;
    assert_in_child(never);
}

static void switch_off(void) {
    start_it();
    check(eddy_option_set(EDDY_OPTION_SCAVENGER, 0) == 0);
    for (int ms = 0; ms < PATIENCE_MS && kernel_threads() > 1; ms += 20) pause_ms(20);
    check(kernel_threads() == 1);
    start_it();
}

static void it_can_be_switched_off_and_on(void **state) {
    (void)state;
    assert_in_child(switch_off);
}

static void free_much(void) {
    chain_t *chain = allocate_chain(MUCH);
    /* Nothing is free so far. From here on all is, over several windows, with no malloc. */
    for (size_t i = 0; chain != NULL; i++) {
        chain_t *block = chain;
        chain = chain->next;
        free(block);
        if (i % (MUCH / BLOCK / 4) == 0) pause_ms(300);
    }
    check(kernel_threads() == 1);
    check(has_scavenger());
}

static void free_alone_does_not_start_it(void **state) {
    (void)state;
    assert_in_child(free_much);
}

static pthread_barrier_t much_allocated;

static void *free_of_other(void *chain) {
    pthread_barrier_wait(&much_allocated);
    free_chain(*(chain_t **)chain);
    pthread_barrier_wait(&much_allocated);
    for (;;) pause_ms(1000);
    return NULL;
}

/* The second thread stands ready, and has called nothing of the allocator. */
static void produce_for_another(void) {
    chain_t *chain;
    pthread_t thread;
    size_t before = rollup_rss();
    check(pthread_barrier_init(&much_allocated, NULL, 2) == 0);
    check(pthread_create(&thread, NULL, free_of_other, &chain) == 0);
    chain = allocate_chain(MUCH);
    pthread_barrier_wait(&much_allocated);
    pthread_barrier_wait(&much_allocated);
    await_rss(before + LITTLE);
}

static void what_a_thread_frees_that_never_allocates_goes_back(void **state) {
    (void)state;
    assert_in_child(produce_for_another);
}

/* ---- what it is ---- */

static void traits(void) {
    start_it();
    char path[64], text[4096] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/status", scavenger());
    FILE *file = fopen(path, "r");
    check(file != NULL && fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    const char *blocked = strstr(text, "SigBlk:");
    check(blocked != NULL);
    uint64_t mask = strtoull(blocked + 7, NULL, 16);
    for (int signal = 1; signal < 32; signal++) {
        bool may = signal == SIGKILL || signal == SIGSTOP;
        check(may || (mask >> (signal - 1) & 1) != 0);
    }
    sigset_t own;
    check(pthread_sigmask(SIG_BLOCK, NULL, &own) == 0 && sigismember(&own, SIGUSR1) == 0);
}

static void it_blocks_all_signals_and_nobody_elses(void **state) {
    (void)state;
    assert_in_child(traits);
}

static bool set_policy(int policy, int priority) {
    return sched_setscheduler(0, policy, &(struct sched_param){.sched_priority = priority}) == 0;
}

static void hurry(void) {
    check(set_policy(SCHED_FIFO, 1));
    start_it();
    check(sched_getscheduler(scavenger()) == SCHED_OTHER);
    check(sched_getscheduler(0) == SCHED_FIFO);
}

static void started_at_real_time_priority_it_has_none(void **state) {
    (void)state;
    if (!set_policy(SCHED_FIFO, 1)) skip();
    check(set_policy(SCHED_OTHER, 0));
    assert_in_child(hurry);
}

/* Nanoseconds that the kernel has given it. */
static uint64_t cpu_time(int thread) {
    char path[64];
    unsigned long long ns = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/schedstat", thread);
    FILE *file = fopen(path, "r");
    check(file != NULL && fscanf(file, "%llu", &ns) == 1);
    fclose(file);
    return ns;
}

static void quiet(void) {
    start_it();
    int thread = scavenger();
    pause_ms(2500);
    uint64_t before = cpu_time(thread);
    pause_ms(1500);
    check(cpu_time(thread) == before);
    /* It wakes when there is something again. */
    void *block = malloc(MUCH);
    check(block != NULL);
    memset(block, 1, MUCH);
    size_t most = rollup_rss();
    free(block);
    pause_ms(1500);
    check(rollup_rss() < most - MUCH / 10 * 9);
}

static void it_sleeps_when_nothing_is_to_be_returned(void **state) {
    (void)state;
    assert_in_child(quiet);
}

static void keep_all(void) {
    start_it();
    size_t before = rollup_rss();
    burst(MUCH);
    check(eddy_option_set(EDDY_OPTION_DECAY_MS, -1) == 0);
    int thread = scavenger();
    pause_ms(1000);
    uint64_t spent = cpu_time(thread);
    pause_ms(1500);
    check(cpu_time(thread) == spent);
    check(rollup_rss() > before + MUCH / 2);
    check(eddy_option_set(EDDY_OPTION_DECAY_MS, 500) == 0);
    await_rss(before + LITTLE);
}

static void it_sleeps_while_everything_is_to_be_kept(void **state) {
    (void)state;
    assert_in_child(keep_all);
}

/* ---- ends ---- */

static void *outlive_main(void *unused) {
    pause_ms(100);
    burst(LITTLE);
    return unused;
}

static void end_main(void) {
    start_it();
    pthread_t thread;
    check(pthread_create(&thread, NULL, outlive_main, NULL) == 0);
    check(pthread_detach(thread) == 0);
    pthread_exit(NULL);
}

static void a_process_ends_with_its_last_thread(void **state) {
    (void)state;
    assert_in_child(end_main);
}

static pthread_key_t last_key;

/* Allocates in every round of destructors: ends with a record that nobody saw end. */
static void allocate_at_end(void *rounds) {
    free(malloc(BLOCK));
    (void)pthread_setspecific(last_key, (char *)rounds + 1);
}

static void *end_unseen(void *unused) {
    pause_ms(100);
    free(malloc(BLOCK));
    pthread_setspecific(last_key, (char *)NULL + 1);
    return unused;
}

static void end_last_thread_unseen(void) {
    start_it();
    check(pthread_key_create(&last_key, allocate_at_end) == 0);
    pthread_t thread;
    check(pthread_create(&thread, NULL, end_unseen, NULL) == 0);
    check(pthread_detach(thread) == 0);
    pthread_exit(NULL);
}

static void a_process_ends_whose_last_thread_ends_unseen(void **state) {
    (void)state;
    assert_in_child(end_last_thread_unseen);
}

/* ---- forks ---- */

static void child_of_fork(void) {
    check(kernel_threads() == 1);
    burst(LITTLE);
    threads();
    start_it();
}

static void fork_often(void) {
    start_it();
    for (int i = 0; i < 200; i++) {
        burst(LITTLE / 8);
        pid_t child = fork();
        if (child == 0) {
            alarm(20);
            if (i % 50 == 0) child_of_fork();
            burst(LITTLE / 8);
            _exit(EXIT_SUCCESS);
        }
        child_wait(child);
    }
    check(scavenger() != 0);
}

static void the_child_of_a_fork_starts_its_own(void **state) {
    (void)state;
    assert_in_child(fork_often);
}

/* ---- sandboxes ---- */

/* From here on no thread can be started, by whichever call. */
static void forbid_threads(void) {
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {LENGTH(rules), rules};
    bool forbidden = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                     prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
    if (!forbidden) _exit(SKIPPED);
}

static void be_without_threads(void) {
    check(eddy_option_set(EDDY_OPTION_SCAVENGER, 2) == 0);
    forbid_threads();
    size_t before = rollup_rss();
    burst(MUCH);
    /* The slow paths return what the scavenger would have returned. */
    for (int ms = 0; ms < PATIENCE_MS && rollup_rss() > before + LITTLE * 2; ms += 50) {
        burst(LITTLE);
        pause_ms(50);
    }
    check(kernel_threads() == 1);
    check(rollup_rss() <= before + LITTLE * 2);
}

static void a_sandbox_without_threads_returns_memory_too(void **state) {
    (void)state;
    assert_in_child(be_without_threads);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_with_one_thread_and_little_memory_stays_alone),
        cmocka_unit_test(a_program_that_stays_alone_may_join_a_namespace),
        cmocka_unit_test(much_free_memory_starts_it),
        cmocka_unit_test(a_second_thread_starts_it),
        cmocka_unit_test(the_small_bursts_of_many_threads_go_back),
        cmocka_unit_test(never_is_never),
        cmocka_unit_test(it_can_be_switched_off_and_on),
        cmocka_unit_test(free_alone_does_not_start_it),
        cmocka_unit_test(what_a_thread_frees_that_never_allocates_goes_back),
        cmocka_unit_test(it_blocks_all_signals_and_nobody_elses),
        cmocka_unit_test(started_at_real_time_priority_it_has_none),
        cmocka_unit_test(it_sleeps_when_nothing_is_to_be_returned),
        cmocka_unit_test(it_sleeps_while_everything_is_to_be_kept),
        cmocka_unit_test(a_process_ends_with_its_last_thread),
        cmocka_unit_test(a_process_ends_whose_last_thread_ends_unseen),
        cmocka_unit_test(the_child_of_a_fork_starts_its_own),
        cmocka_unit_test(a_sandbox_without_threads_returns_memory_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

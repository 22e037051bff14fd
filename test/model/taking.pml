/* Taking a page that is empty from an owner that takes no lock, and may sleep for ever.
 *
 * Models: idle_is_empty (heap/idle.h), idle_detach, unlink_token, sweep_partial, idle_sweep_tokens,
 * idle_sweep_late, idle_retire (heap/idle.c), detach_waiting, collect_running (heap/sweep.c),
 * heap_count_out, next_page_late (heap/heap.c), late_count_out, late_spend, late_take_spent,
 * late_settle (heap/late.c), page_remake (heap/page.c), beside all that frees.pml models.
 *
 * One owner, one thread that frees for it, and one that takes pages, by any of these ways: each
 * does a bounded number of things at any time. A page that was taken is another's at once, or free
 * memory of which the same owner makes a page once more, while it may still have the old one noted
 * as late, or the owner's again at once, retained; `used` and `state` keep what they were until
 * then. Shown for every schedule:
 *  - A page that is taken has no block in anybody's hands.
 *  - Nobody touches it while it is: not the owner's fast path, not its slow path that has just seen
 *    the last block go, not who gives blocks or tokens.
 *
 * spin's memory is sequentially consistent. That what the owner wrote last has arrived before the
 * memory is used again is the work of the barrier between detaching and freeing.
 *
 * Faults that spin has to find:
 *   FAULT_CURRENT      a current page may be taken, too
 *   FAULT_UNLOCKED     whether the page is empty is judged before the lock is taken
 *   FAULT_COUNT_OUT    the owner's slow path does not ask whose the page is by now, nor does it
 *                      later, where the lock was held
 *   FAULT_TOKEN        a token is no block in use
 *   FAULT_SPENT        a page used up without the lock stays noted when it has been listed
 *   FAULT_REMADE       a page made anew has its heap before its state
 *   FAULT_RETIRED      the owner's slow path does not ask for the state of a page that is its own
 */
#define BLOCKS 2
#define HEAPS 2
#define ALLOCATIONS 5
#define FREES 3
#define GIVES 2
#define TAKES 2
#define SPENDS

/* The page was taken. */
bit gone;
/* ... and is free memory by now. */
bit free_memory;

#define TOUCH assert(!gone)
#ifdef FAULT_COUNT_OUT
#define COUNT_OUT_ANYWAY || page_heap == 2
#endif

/* A block is the freer's until the page has it, a token until the heap has it. */
#define FREER 2
#define GIVEN(block) holder[block] = (before == FULL -> holder[block] : NOBODY)
#define PUSHED(token) holder[token] = NOBODY

/* Where idle_sweep_tokens goes on. */
byte token_at;
#define SETTLED token_at = 0

#include "page.inc"

/* page_remake: what lies in the page is its owner's before the page says so. */
inline remake() {
#ifdef FAULT_REMADE
    page_heap = 1;
#endif
    d_step {
        free_memory = 0;
        gone = 0;
        token = 1;
        do
        :: token < BLOCKS -> links[token] = token + 1; token++
        :: else -> break
        od;
        links[BLOCKS] = 0;
        token = 0;
        free_list = 1;
        thread_free = 0;
        used = 1;
        state = CURRENT;
        page_owner = 1
    };
    page_heap = 1
}

proctype owner() {
    byte before, after, top, token, settling, following, block, each, allocations, frees;
    bit found;
    do
    :: allocations < ALLOCATIONS ->
       allocations++;
       if
       :: free_memory -> remake()
       :: else -> allocate(1)
       fi
    :: frees < FREES ->
       frees++;
       atomic {
           if
           :: program_has_blocks -> choose(block, NOBODY)
           :: else -> block = 0
           fi
       };
       if
       :: block != 0 -> free_own(1, block); block = 0
       :: else
       fi
    :: break
    od
}

proctype freer() {
    byte before, after, top, token, block, gives;
    do
    :: gives < GIVES ->
       gives++;
       if
       :: atomic { program_has_blocks -> choose(block, FREER) };
          push(block, block, 1)
       :: true /* there is nothing to free */
       fi
    :: break
    od
}

/* ---- who takes ---- */

#ifdef FAULT_CURRENT
#define may_be_taken (state != RETAINED)
#define in_use (state == FULL_STATE -> used + BLOCKS - PAGE_WAKE : \
                (state == CURRENT -> used - 1 : used))
#else
#define may_be_taken (state == PARTIAL || state == FULL_STATE)
#define in_use (state == FULL_STATE -> used + BLOCKS - PAGE_WAKE : used)
#endif

/* Two steps, as the source reads used and then thread_free, while either may go on. State and heap
 * stand still under the lock: page_peek is one step with them. */
#define NO_COUNT 255
inline idle_is_empty(count) {
    seen = (page_heap == 1 && may_be_taken -> in_use : NO_COUNT);
#ifdef FAULT_TOKEN
    d_step { ripe = (seen <= COUNT(thread_free) + 1); seen = 0 }
#else
    d_step { ripe = (seen == COUNT(thread_free) + count); seen = 0 }
#endif
}

inline detach() {
    atomic {
        check_nothing_in_use();
        gone = 1;
        took = 1;
        page_owner = 0;
        page_heap = 0
    }
}

/* The partial list. */
inline take_partial() {
#ifdef FAULT_UNLOCKED
    idle_is_empty(0);
    lock(1);
#else
    lock(1);
    idle_is_empty(0);
#endif
    if
    :: ripe && state != FULL_STATE -> detach()
    :: else
    fi;
    unlock(1)
}

inline take_retained() {
    lock(1);
    if
    :: page_heap == 1 && state == RETAINED -> detach()
    :: else
    fi;
    unlock(1)
}

/* The next token behind token_at, which stays or comes off the list. */
inline idle_sweep_token() {
    token = (token_at != 0 -> links[token_at] : tokens[1]);
    if
    :: token != 0 -> idle_is_empty(1)
    :: else -> ripe = 0
    fi;
    if
    :: ripe ->
       if
       :: token_at != 0 -> links[token_at] = links[token]; detach()
       :: token_at == 0 ->
          if
          :: atomic { tokens[1] == token -> tokens[1] = links[token] }; detach()
          :: tokens[1] != token -> token_at = token
          fi
       fi
    :: !ripe && token != 0 -> token_at = token
    :: token == 0
    fi
}

/* A step of a round, or a look for memory: it goes on where the last one ended. */
inline sweep_token() {
    lock(1);
    idle_sweep_token();
    if
    :: token == 0 -> token_at = 0
    :: else
    fi;
    unlock(1)
}

/* All blocks are linked anew: what lay on any list is forgotten. */
inline idle_retire() {
    lock(1);
    d_step {
        check_nothing_in_use();
        for (each : 1 .. BLOCKS) { links[each] = (each == BLOCKS -> 0 : each + 1) };
        each = 0;
        free_list = 1;
        used = 0;
        thread_free = 0;
        state = RETAINED;
        gone = 0;
        page_heap = 1
    };
    unlock(1)
}

/* The pages that the owner has counted out without the lock. */
inline idle_sweep_late() {
    if
    :: late[1] ->
       idle_is_empty(0);
       if
       :: ripe -> detach()
       :: else
       fi
    :: else
    fi
}

inline detach_waiting() {
    lock(1);
    idle_sweep_late();
    token_at = 0;
    do
    :: idle_sweep_token();
       if
       :: token == 0 -> break
       :: else
       fi
    od;
    unlock(1)
}

proctype taker() {
    byte token, each, takes, seen;
    bit ripe, took;
    do
    :: takes < TAKES && page_heap != 2 ->
       takes++;
       if
       :: take_retained()
       :: take_partial()
       :: detach_waiting()
       :: sweep_token()
       fi;
       /* After the barrier: the place is another heap's, or free memory, or the owner's again. */
       if
       :: took -> page_heap = 2; took = 0
       :: took -> free_memory = 1; took = 0
       :: took -> idle_retire(); took = 0
       :: else
       fi
    :: else -> break
    od
}

init {
    byte each;
    atomic {
        make_page();
        run owner();
        run freer();
        run taker()
    }
}

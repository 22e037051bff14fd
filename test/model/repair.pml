/* The repair in the child of a fork, store by store, beside the survivor's fast paths.
 *
 * Models: settle, make_partial, make_full, drop, list_again, clear_lists, end_vanished
 * (heap/fork.c); take_first (heap/retain.c); give, tell (heap/remote.c); arrive (heap/token.c);
 * heap_release_if_empty (heap/sweep.c); idle_retire (heap/idle.c); count_large (heap/fork.c);
 * large_free, leave_heap (alloc/large.c); forked_check (os/forked.h), beside what fork.pml models.
 *
 * At any moment another thread vanishes, and the survivor goes on beside the repair. In three kinds
 * of runs:
 *  - A page of the vanished thread, which took STEPS steps on its BLOCKS blocks. The survivor frees
 *    for it before the fork, beside the repair and behind it; then the page is adopted, and all of
 *    its blocks handed out.
 *  - A page of the survivor, which others had in their hands: swept, retired.
 *  - A large object of a first-class heap of the survivor, which frees it.
 * Shown for every schedule:
 *  - No block is handed out twice, no page is dropped of which somebody has a block, and the
 *    survivor touches none that was dropped.
 *  - Of a page at which the vanished thread was not at work nothing is lost. While it freed, the
 *    block that it freed and a token are at most.
 *  - Who gives the last block of a page sees it released, but for a token in flight.
 *  - Nobody counts as on the way to a heap when nobody is.
 *  - A child that the survivor forks beside the repair finds the page as fork.pml has it.
 *  - A page of the survivor is in one place, as its state says.
 *  - A large object is freed once, and counted out once.
 *
 * Faults that spin has to find:
 *   FAULT_STATE_FIRST  a full page becomes partial before its count is right for that
 *   FAULT_COUNT_FIRST  a page becomes full after its count is right for that
 *   FAULT_DEAD_LATE    the heap is dead after its pages were looked at
 *   FAULT_MARK_FULL    the page is marked full although the survivor's free came in: no swap
 *   FAULT_MARK_LEFT    a page that is listed as partial stays marked as full
 *   FAULT_GIVEN_BACK   the mark is taken off by a store
 *   FAULT_TAKEN_FIRST  a large object is taken before the repair is waited for
 *   FAULT_ARRIVES      who pushes a token does not wait for the repair, which clears `arriving`
 *   FAULT_ON_THE_WAY   the repair does not: who vanished on the way stays counted
 *   FAULT_STACK        what was retained stays on its stack
 *   FAULT_RETAINED     retained pages are listed again, as if they were partial
 *   FAULT_IN_HAND      current pages are listed
 */
#define BLOCKS 3
#define HEAPS 1
#define STEPS 5
#define GIVES 2

bit forked, repaired;
#define MERGES
#ifndef FAULT_ARRIVES
#define FORKED_CHECK (!forked || repaired)
#endif

/* The page was dropped, or given back. */
bit gone;
#define TOUCH assert(!gone)

/* A block is the survivor's until the page has it, a token until the heap has it. */
#define SURVIVOR 2
#define GIVEN(block) holder[block] = (before == FULL -> holder[block] : NOBODY)
#define PUSHED(token) holder[token] = NOBODY

#include "page.inc"
#include "stores.inc"

#define held ((holder[1] != NOBODY) + (holder[2] != NOBODY) + (holder[3] != NOBODY))

/* ---- a page of the vanished thread ---- */

bit dead;
/* The survivor is inside of Eddy, and so cannot fork; its last block was given in the child. */
bit inside, gave_last;
mtype = { NOTHING, FREEING, ALLOCATING };
mtype torn = NOTHING;

proctype vanishing() {
    byte before, after, top, token, settling, following, block, steps;
    {
        do
        :: steps < STEPS ->
           steps++;
           torn = ALLOCATING;
           if
           :: state == CURRENT && free_list != 0 -> pop_in_two()
           :: state == CURRENT && free_list == 0 && thread_free != 0 -> page_collect_in_three()
           :: state == CURRENT && free_list == 0 && capacity < BLOCKS -> page_extend()
           :: state == CURRENT && free_list == 0 && capacity == BLOCKS -> list_full_in_two()
           :: state == CURRENT && in_use > 0 -> put_aside_in_two()
           :: state == PARTIAL && used > 0 -> make_current_in_two()
           :: tokens[1] != 0 -> settle_tokens()
           :: atomic { program_has_blocks -> torn = FREEING; choose(block, NOBODY) };
              push_in_three();
              if
              :: state == FULL_STATE && used == 0 -> wake_in_three()
              :: else
              fi
           :: arriving[1]++; arriving[1]-- /* with a token of another page */
           :: true
           fi;
           torn = NOTHING
        :: else -> break
        od
    } unless { forked }
}

inline drop() {
    atomic {
        assert(!gone);
        check_nothing_in_use();
        gone = 1;
        page_heap = 0
    }
}

inline settle() {
    known = in_use;
    if
    :: known == COUNT(thread_free) -> drop()
    :: else ->
#ifdef FAULT_GIVEN_BACK
       top = thread_free;
       thread_free = top & (255 - FULL);
#else
#ifndef FAULT_MARK_LEFT
       thread_free = thread_free & (255 - FULL);
#endif
#endif
       is_full = 0;
       if
#ifdef FAULT_MARK_FULL
       :: free_list == 0 && capacity == BLOCKS && thread_free == 0 ->
          is_full = 1;
          thread_free = FULL
#else
       :: atomic {
              free_list == 0 && capacity == BLOCKS && thread_free == 0 ->
              is_full = 1;
              thread_free = FULL
          }
#endif
       :: atomic { !(free_list == 0 && capacity == BLOCKS && thread_free == 0) -> skip }
       fi;
#ifdef FAULT_STATE_FIRST
       state = PARTIAL;
       used = known;
#else
       used = known + 1;
       state = PARTIAL;
       used = known;
#endif
       if
       :: is_full ->
#ifdef FAULT_COUNT_FIRST
          used = known - (BLOCKS - PAGE_WAKE);
          state = FULL_STATE
#else
          state = FULL_STATE;
          used = known - (BLOCKS - PAGE_WAKE)
#endif
       :: else
       fi
    fi
}

#define is_empty (state != CURRENT && in_use == COUNT(thread_free))

inline heap_release_if_empty() {
    repaired;
    lock(1);
    heap_settle(1);
    if
    :: page_heap == 1 && is_empty -> drop()
    :: else
    fi;
    unlock(1)
}

inline give(block) {
    push(block, block, 1);
    if
    :: dead -> heap_release_if_empty()
    :: else
    fi
}

proctype survivor() {
    byte before, after, top, token, settling, following, each, block, gives;
    do
    :: gives < GIVES || forked ->
       gives = gives + !forked;
       if
       :: atomic {
              program_has_blocks ->
              choose(block, SURVIVOR);
              inside = 1;
              gave_last = forked && !program_has_blocks
          };
          give(block);
          d_step { inside = 0; block = 0; before = 0; after = 0; top = 0; token = 0 }
       :: forked -> break
       :: !forked /* there is nothing to free */
       fi
    :: !forked -> forked = 1
    od;
    repaired;
    assert(arriving[0] == 0 && arriving[1] == 0);
    if
    :: gave_last && torn == NOTHING && tokens[1] == 0 -> assert(gone)
    :: else
    fi;
    /* Another heap adopts what is left. */
    lock(1);
    heap_settle(1);
    if
    :: !gone && state == FULL_STATE -> wake()
    :: else
    fi;
    unlock(1);
    if
    :: !gone ->
       if
       :: torn == NOTHING -> assert(in_use - COUNT(thread_free) == held)
       :: torn == FREEING -> assert(in_use - COUNT(thread_free) <= held + 1)
       :: else
       fi;
       make_current(1);
       do
       :: free_list != 0 -> pop()
       :: free_list == 0 && thread_free != 0 -> page_collect(); assert(free_list != 0)
       :: else -> break
       od
    :: else
    fi
}

proctype repairer() {
    byte top, known, each;
    bit is_full;
    forked;
#ifndef FAULT_ON_THE_WAY
    arriving[1] = 0;
#endif
#ifndef FAULT_DEAD_LATE
    dead = 1;
#endif
    settle();
    dead = 1;
    repaired = 1
}

/* The survivor forks again. */
proctype grandchild() {
    byte at, known;
    d_step {
        forked;
        if
        :: !repaired && !inside && !gone -> child_repairs_page()
        :: else
        fi
    }
}

/* ---- a page of the survivor ---- */

#define SWEEPS 3
#define CALLS 4

/* The page's span, in use, in somebody's hands or free; the list or place it stands in. */
mtype = { IN_USE, TRANSIT, FREED };
mtype span = IN_USE;
bit listed_partial, listed_retained;
byte live = 1;

#define places (listed_partial + listed_retained)
#define is_in_place                                                                \
    (page_heap == 0 || (state == CURRENT && places == 0) ||                        \
     (state == PARTIAL && listed_partial && places == 1) ||                        \
     (state == RETAINED && listed_retained && places == 1))

#define release_lock() atomic { assert(is_in_place); heap_lock[1] = 0 }

/* Sweeps the survivor's heap, and vanishes. */
proctype sweeper() {
    byte sweeps;
    {
        do
        :: sweeps < SWEEPS ->
           sweeps++;
           lock(1);
           if
           :: listed_partial && live == 0 ->
              listed_partial = 0;
              page_heap = 0;
              if
              :: true -> /* retire (heap/idle.c) */
                 state = RETAINED;
                 page_heap = 1;
                 listed_retained = 1
              :: span = TRANSIT; span = FREED
              fi
           :: atomic { listed_retained -> listed_retained = 0 };
              page_heap = 0;
              span = TRANSIT;
              span = FREED
           :: else
           fi;
           release_lock()
        :: else -> break
        od
    } unless { forked }
}

/* Anybody in the child, with the lock of the survivor's heap in his hands. */
proctype holder_of_lock() {
    repaired;
    lock(1);
    release_lock()
}

/* Before its first lock it waits for the repair; what it has on its fast paths it uses all the
 * time. Where another has the lock it goes on with what is retained. */
proctype allocating_survivor() {
    byte calls;
    do
    :: calls < CALLS ->
       calls++;
       if
       :: atomic { page_heap == 1 && state == CURRENT -> assert(span == IN_USE); live++ }
       :: atomic { live > 0 -> assert(span == IN_USE && page_heap == 1); live-- };
          if
          :: state == PARTIAL && live == 0 ->
             (!forked || repaired);
             lock(1);
             if
             :: page_heap == 1 && state == PARTIAL && live == 0 ->
                assert(span == IN_USE);
                listed_partial = 0;
                state = RETAINED;
                listed_retained = 1
             :: else
             fi;
             release_lock()
          :: else
          fi
       :: !forked || repaired ->
          if
          :: lock(1);
             if
             :: page_heap == 1 && state == CURRENT -> state = PARTIAL; listed_partial = 1
             :: listed_partial -> listed_partial = 0; state = CURRENT
             :: listed_retained -> listed_retained = 0; state = CURRENT
             :: else
             fi;
             assert(page_heap == 0 || span == IN_USE);
             release_lock()
          :: atomic {
                 heap_lock[1] && listed_retained ->
                 listed_retained = 0;
                 assert(span == IN_USE);
                 state = CURRENT
             }
          :: atomic { heap_lock[1] && !listed_retained -> skip }
          fi
       fi
    :: !forked -> forked = 1
    :: else -> break
    od
}

proctype repairer_of_lists() {
    forked;
    heap_lock[1] = 0;
    listed_partial = 0;
#ifndef FAULT_STACK
    listed_retained = 0;
#endif
    if
    :: span == IN_USE ->
       if
#ifdef FAULT_RETAINED
       :: page_heap == 1 && state == RETAINED -> listed_partial = 1
       :: page_heap == 0 ->
#else
       :: page_heap == 0 || state == RETAINED ->
#endif
          page_heap = 0;
          span = TRANSIT
#ifdef FAULT_IN_HAND
       :: else -> listed_partial = 1
#else
       :: page_heap == 1 && state == PARTIAL -> listed_partial = 1
       :: page_heap == 1 && state == CURRENT
#endif
       fi
    :: else
    fi;
    if
    :: span == TRANSIT -> span = FREED
    :: else
    fi;
    repaired = 1
}

/* ---- a large object of a first-class heap, which the survivor frees ---- */

mtype object = IN_USE;
bit large_heap = 1;
short large_slices = 1;

inline leave_heap() {
    if
    :: atomic { large_heap == 1 -> large_heap = 0 };
       large_slices--
    :: else
    fi
}

proctype freeing_survivor() {
    if
    :: forked = 1
    :: skip
    fi;
#ifndef FAULT_TAKEN_FIRST
    (!forked || repaired);
#endif
    atomic { object == IN_USE -> object = TRANSIT };
    leave_heap();
    (!forked || repaired);
    atomic { assert(object == TRANSIT); object = FREED };
    assert(large_slices == 0);
    forked = 1
}

proctype repairer_of_counts() {
    forked;
    large_slices = 0;
    if
    :: object == IN_USE && large_heap -> large_slices++
    :: else
    fi;
    if
    :: object == TRANSIT -> object = FREED
    :: else
    fi;
    repaired = 1
}

init {
    if
    :: atomic {
           run freeing_survivor();
           run repairer_of_counts()
       }
    :: atomic {
           run sweeper();
           run allocating_survivor();
           run repairer_of_lists();
           run holder_of_lock()
       }
    :: atomic {
           free_list = 1;
           used = 1;
           run vanishing();
           run survivor();
           run repairer();
           run grandchild()
       }
    fi
}

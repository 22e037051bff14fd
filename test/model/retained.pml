/* The stack of retained pages, from which the owner takes while another thread holds the lock.
 *
 * Models: heap_retire, heap_reuse_retained (heap/retain.h); heap_keep_beside, take_first
 * (heap/retain.c); next_page, find_page_late (heap/heap.c); take_from (heap/heap.c), release_of
 * (heap/retain.c) and retire (heap/idle.c) by others.
 *
 * Of PAGES pages of a class some are retained, and one was emptied by others. The owner takes pages
 * and retires them, with the lock where it gets it at once, without where not; others take pages
 * and keep the emptied one, with the lock. Shown for every schedule:
 *  - Each retained page stands on the stack once, and nothing else does.
 *  - Whoever takes a page has it alone, and finds it as it was kept.
 *  - retained_slices is never less than the length of the stack, and just that when nobody is at it.
 *
 * One class is enough: the stacks of two share no word but retained_slices, which whoever is not
 * alone changes in one step, and a page changes its class only in the hands of who has taken it.
 * What settles late pages does what the owner does with the lock; housekeeping and the option take
 * pages as the others do. late_counted is in taking.pml.
 *
 * Faults that spin has to find:
 *   FAULT_OWNER_PLAIN   without the lock the owner takes the first page in two steps
 *   FAULT_OTHER_PLAIN   others do, with it
 *   FAULT_KEPT_PLAIN    others keep a page in two steps
 *   FAULT_COUNT_PLAIN   they count in two steps
 *   FAULT_COUNT_LATE    they count a page after it is there
 *   FAULT_HEAP_LATE     a page that they keep becomes the heap's after it is there
 *   FAULT_BACK          they keep a page that they took
 */
#define PAGES 3
#define TURNS 4
#define OTHERS 4

mtype = { RETAINED, OWNED, EMPTIED, ELSEWHERE };
mtype where[PAGES + 1]; /* of pages 1 to PAGES */
byte of_heap[PAGES + 1];
byte below[PAGES + 1];
byte first; /* or 0 */
byte retained_slices;
bit locked;

#define is_sound (retained_slices >= length && retained_slices <= PAGES)

/* From the first page to the last. */
inline measure() {
    length = 0;
    at = first;
    do
    :: at != 0 ->
       assert(where[at] == RETAINED && length < PAGES);
       length++;
       at = below[at]
    :: else -> break
    od
}

/* By `who`, who has been at it alone: the owner with the lock. */
inline unlock_alone() {
    d_step {
        measure();
        assert(retained_slices == length);
        length = 0;
        locked = 0
    }
}

/* retained_slices changes in one step. */
inline count(change) {
    d_step {
        retained_slices = retained_slices + change;
        measure();
        assert(is_sound);
        length = 0
    }
}

/* The page at the first place, or 0: `page`. It is `whose` from now on. */
inline take_first(whose) {
    page = first;
    do
    :: page == 0 -> break
    :: else ->
       under = below[page];
       d_step {
           is_taken = first == page;
           if
           :: is_taken -> first = under; assert(where[page] == RETAINED); where[page] = whose
           :: else -> page = first
           fi;
           under = 0
       };
       if
       :: is_taken -> is_taken = 0; break
       :: else
       fi
    od
}

inline take_plainly(whose) {
    page = first;
    if
    :: page != 0 ->
       first = below[page];
       d_step { assert(where[page] == RETAINED); where[page] = whose }
    :: else
    fi
}

proctype owner() {
    byte page, under, turns, at, length;
    bit holds, is_taken;
    do
    :: turns < TURNS ->
       turns++;
       atomic { holds = !locked; locked = 1 };
       if
       :: !holds ->
#ifdef FAULT_OWNER_PLAIN
          take_plainly(OWNED);
#else
          take_first(OWNED);
#endif
          if
          :: page != 0 -> assert(of_heap[page]); count(-1)
          :: else
          fi
       :: holds ->
          if
          :: take_plainly(OWNED);
             if
             :: page != 0 -> assert(of_heap[page]); retained_slices--
             :: else
             fi
          :: d_step {
                 page = PAGES;
                 do
                 :: page > 0 && where[page] != OWNED -> page--
                 :: else -> break
                 od
             };
             if
             :: page != 0 ->
                below[page] = first;
                d_step { first = page; where[page] = RETAINED };
                retained_slices++
             :: else
             fi
          fi;
          unlock_alone()
       fi;
       d_step { page = 0; holds = 0 }
    :: else -> break
    od
}

#ifdef FAULT_BACK
#define may_be_kept(page) (where[page] == EMPTIED || where[page] == ELSEWHERE)
#else
#define may_be_kept(page) (where[page] == EMPTIED)
#endif

inline heap_keep_beside() {
#ifndef FAULT_HEAP_LATE
    of_heap[page] = 1;
#endif
#ifdef FAULT_COUNT_PLAIN
    known = retained_slices;
    retained_slices = known + 1;
#endif
#if !defined(FAULT_COUNT_PLAIN) && !defined(FAULT_COUNT_LATE)
    count(1);
#endif
    under = first;
    do
    :: below[page] = under;
#ifdef FAULT_KEPT_PLAIN
       d_step { first = page; where[page] = RETAINED };
       break
#else
       d_step {
           is_taken = first == under;
           if
           :: is_taken -> first = page; where[page] = RETAINED
           :: else -> under = first
           fi
       };
       if
       :: is_taken -> is_taken = 0; break
       :: else
       fi
#endif
    od;
#ifdef FAULT_COUNT_LATE
    count(1);
#endif
#ifdef FAULT_HEAP_LATE
    of_heap[page] = 1;
#endif
    under = 0
}

proctype others() {
    byte page, under, turns, at, length, known;
    bit is_taken;
    do
    :: turns < OTHERS ->
       turns++;
       atomic { !locked -> locked = 1 };
       if
       ::
#ifdef FAULT_OTHER_PLAIN
          take_plainly(ELSEWHERE);
#else
          take_first(ELSEWHERE);
#endif
          if
          :: page != 0 ->
             of_heap[page] = 0;
#ifdef FAULT_COUNT_PLAIN
             known = retained_slices;
             retained_slices = known - 1
#else
             count(-1)
#endif
          :: else
          fi
       :: d_step {
              page = PAGES;
              do
              :: page > 0 && !may_be_kept(page) -> page--
              :: else -> break
              od
          };
          if
          :: page != 0 -> heap_keep_beside()
          :: else
          fi
       fi;
       d_step { page = 0; known = 0; locked = 0 }
    :: else -> break
    od
}

init {
    byte at, length, each;
    atomic {
        for (each : 1 .. PAGES - 1) {
            where[each] = RETAINED;
            of_heap[each] = 1;
            below[each] = each - 1
        };
        first = PAGES - 1;
        retained_slices = PAGES - 1;
        where[PAGES] = EMPTIED;
        run owner();
        run others()
    };
    atomic {
        _nr_pr == 1;
        measure();
        for (each : 1 .. PAGES) { length = length - (where[each] == RETAINED) };
        assert(length == 0);
        measure();
        assert(retained_slices == length)
    }
}

"""Counters that tools/compare and tools/ablate print per 1,000 pairs: title, column of a row."""

OTHER_RATES = (("pages retired", "pages_retired"), ("pages reused", "pages_reused"),
               ("pages released", "pages_released"), ("pages adopted", "pages_adopted"),
               ("lists straightened", "lists_straightened"),
               ("promotions malloc", "promotions_malloc"), ("spans purged", "spans_purged"))

"""Fill a label folder with images from a search on the web.

A service is asked page by page (`services`, `paging`), each result is downloaded without harm
(`urls`, `addresses`, `connections`, `download`) and judged (`judging`, `copies`), and what is worth
keeping enters the folder with a record of where it is from (`collection`, `provenance`). Everything
that comes from the web is taken for hostile.
"""

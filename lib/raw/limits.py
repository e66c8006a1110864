"""How much of a raw source is read at most: bounds that real data never meets, so that a machine of 1 GB copes with
whatever lies in its folders. A loss beyond one of them is counted (`qualite.rejets`) and said.

docs/limits.md repeats them for people. Real sizes: docs/sources.
"""

MEGABYTE = 1_000_000

MOST_FILES = 50_000  # of a source, the newest; hourly pulls of five years
JSON_BYTES = 500 * MEGABYTE  # unzipped, of a pull or an export; a day of road counts has 50 MB, a pull 10 at the most
READ_WHOLE = 8 * MEGABYTE  # unzipped bytes of JSON decoded at once, which is quickest; a longer one, record by record
POLYGONS_BYTES = 20 * MEGABYTE  # the twenty arrondissements have 200 kB
MOST_RECORDS = 3_000_000  # of a file; thirteen months of all bike counters have 1 million

TABLE_BYTES = 1_000 * MEGABYTE  # unzipped, of a CSV that is read line by line; that of the bike counters has 400 MB
MOST_LINES = 3_000_000  # of such a CSV
TABLE_ROWS = 1_000_000  # kept of one table; a day of road counts has 72 000
EXPORT_ROWS = 50_000  # of road works (hundreds) or of the road reference (3 739)

COUNTS_BYTES = 20_000 * MEGABYTE  # unzipped, of a gzipped road-count export; thirteen months have 6 to 9 GB
DAY_ROWS = 500_000  # of one day in one road-count export; 3 000 arcs x 24 hours are 72 000
DAY_ROWS_BYTES = 300 * MEGABYTE  # the same, as text
MOST_LABELS = 100_000  # different hours named in one file; thirteen months have 9 500

BIKE_ROWS = 2_000_000  # of a day and the week before in all pulls; hourly pulls of a whole day each have 500 000
DISRUPTIONS = 20_000  # different ones that the pulls around a day name; the whole network has 2 to 6 thousand

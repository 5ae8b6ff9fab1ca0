# exit: 1
# err: reading symbols.h5ad needs 4.0 MiB, but the limit is 1.0 MiB (--budget)
# not-err: 1 B
--budget 1M -e "lab.read(arg[1])" {DATA}/symbols.h5ad

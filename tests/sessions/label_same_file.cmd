# exit: 1
# err: output and csv are one file: ./out.h5ad
# no-file: out.h5ad
label --reference {DATA}/symbols.h5ad --query {DATA}/symbols.h5ad --label cell_type -o out.h5ad --csv ./out.h5ad

# exit: 1
# err: output . cannot be written: . is a directory
# not-err: counts are
label --reference {DATA}/symbols.h5ad --query {DATA}/symbols.h5ad --label cell_type -o .

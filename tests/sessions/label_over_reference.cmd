# exit: 1
# err: reference and model_out are one file
label --reference {DATA}/symbols.h5ad --query {DATA}/logged.h5ad --label cell_type -o out.h5ad --model-out {DATA}/../data/symbols.h5ad

# exit: 1
# err: logged.h5ad
# err: holds no counts
# not-err: concat
label --reference {DATA}/symbols.h5ad --query {DATA}/logged.h5ad --label cell_type --min-genes 0 -o out.h5ad

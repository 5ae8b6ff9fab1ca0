# exit: 2
# err: label needs --query
label --reference a.h5ad --label cell_type -o out.h5ad

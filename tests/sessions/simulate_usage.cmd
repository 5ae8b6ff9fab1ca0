# exit: 2
# err: simulate needs --cells
simulate -o x.h5ad

# exit: 1
# err: there is no file nowhere.h5ad
inspect nowhere.h5ad

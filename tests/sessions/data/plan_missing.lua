x = lab.read("not_there.h5ad")

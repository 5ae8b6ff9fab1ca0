-- exit: 1
-- err: logged.h5ad
-- err: counts
lab.scvi(lab.read(arg[1] .. "/logged.h5ad"), {n_latent = 2})

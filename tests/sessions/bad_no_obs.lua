-- exit: 1
-- err: no_obs.h5ad
-- err: obs
lab.read(arg[1] .. "/no_obs.h5ad")

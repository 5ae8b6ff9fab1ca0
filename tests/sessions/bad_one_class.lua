-- exit: 1
-- err: all 20 labelled cells of symbols.h5ad have the same value
local ds = lab.read(arg[1] .. "/symbols.h5ad")
ds.obs.cell_type = "B"
lab.xgboost{seed = 0}:fit(ds, {labels = "cell_type", features = "genes"})

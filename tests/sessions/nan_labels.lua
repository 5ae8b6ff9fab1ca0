-- err: 2 of 20 cells
-- out: fitted
-- Cells without a label are left out, counted and said.
local ds = lab.read(arg[1] .. "/symbols.h5ad")
local labels = ds.obs.cell_type:tolist()
labels[1], labels[2] = false, false
ds.obs.cell_type = labels
lab.xgboost{rounds = 2, seed = 0}:fit(ds, {labels = "cell_type", features = "genes"})
print("fitted")

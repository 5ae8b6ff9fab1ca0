-- exit: 1
-- err: no column celltype
-- err: cell_type
lab.read(arg[1] .. "/symbols.h5ad"):keep_labels{by = "celltype"}

-- exit: 1
-- err: plain.h5ad
-- err: HDF5
io.open("plain.h5ad", "w"):write("this is no HDF5 file\n"):close()
lab.read("plain.h5ad")

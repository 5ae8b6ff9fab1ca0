# out: celllab 
--version

# out: \x1b[31mred
-e 'print(string.char(27) .. "[31mred")'

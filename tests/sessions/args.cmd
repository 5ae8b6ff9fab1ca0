# out: 2	-x	a b
-e 'print(#arg, arg[1], arg[2])' -x 'a b'

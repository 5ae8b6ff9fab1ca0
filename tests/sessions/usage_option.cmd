# exit: 2
# err: there is no option --thread 
# err: did you mean --threads?
--thread 4

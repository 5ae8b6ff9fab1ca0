-- exit: 1
-- err: traceback.lua:9: there is no file nowhere.h5ad
-- err: stack traceback:
-- err: in function 'load'
-- err: traceback.lua:12: in main chunk
-- not-out: not reached
-- An error ends a script with exit code 1, the line it happened in and the way there.
function load()
    return lab.read("nowhere.h5ad").n_obs
end

print(load() + 1)
print("not reached")

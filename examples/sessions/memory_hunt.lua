-- memory_hunt.lua -- find who holds what, free it, and see it fall.
--
--     celllab examples/sessions/memory_hunt.lua

data = ((arg and arg[0] or ""):match("^(.*)sessions/") or "examples/") .. "data/"
ref = lab.read(data .. "pbmc_reference.h5ad")
query = lab.read(data .. "pbmc_query.h5ad")
both = lab.concat({reference = ref, query = query})
notes = {yesterday = {both}} -- a handle that is easily forgotten

-- 1. Who holds the counts of the query?  A concat is a view: it keeps the counts of its parts alive.
function counts_of_query()
    for _, o in ipairs(mem().objects) do
        if o.name == "X of pbmc_query.h5ad" then return o end
    end
end
o = counts_of_query()
print("1. " .. o.name .. ", born at " .. o.line .. ": held by " .. table.concat(o.holders, " and "))

-- 2. Letting go of the query alone brings nothing back: the view still needs its counts.
query = nil
collectgarbage()
print("2. without query: held by " .. table.concat(counts_of_query().holders, " and "))

-- 3. Once the last name is gone they are garbage, and come back when the collector runs.
earlier = mem()
both, notes = nil, nil
collectgarbage()
print("3. " .. (counts_of_query() and "still there" or "gone") .. "; " .. lab.bytes(-mem.diff(earlier).change) .. " came back")

-- 4. What is left belongs to the reference, and free() gives it back at once.
ref:free()
print("4. held now: " .. lab.bytes(mem().live))
print(mem())

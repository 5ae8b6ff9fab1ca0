-- memory_guide.lua -- the five ways to spend less memory when a query is labelled from a reference, A to E, and what
-- each of them saves here.  The figures are of a small file; they grow with it.
--
--     celllab examples/sessions/memory_guide.lua [FOLDER]

data = ((arg and arg[0] or ""):match("^(.*)sessions/") or "examples/") .. "data/"
function saves(letter, what, before, after)
    print(string.format("%s. %-66s %10s -> %10s  saves %.0f %%", letter, what, lab.bytes(before), lab.bytes(after),
                        100 * (1 - after / before)))
end

function live() -- bytes held now; what nobody can reach any more is collected first
    collectgarbage()
    return mem().live
end

-- Where it starts: what the same counts take elsewhere.  Packed, a count takes one or two bytes instead of eight.
ref = lab.read(data .. "pbmc_reference.h5ad")
cmp = lab.compare(ref)
saves("0", "counts of the reference: scipy CSR float32 against packed", cmp.a.x.memory_bytes, cmp.a.x.packed_bytes)

-- A. Prefilter: types that are not asked for never reach the model.  Here every second cell is a dendritic cell or
--    a monocyte; five types are wanted.  The filter itself costs a list of row numbers.
held = live()
wanted = ref:keep_labels{by = "cell_type", top = 5}
print(string.format("A. %d of %d cells stay; the view itself takes %s", wanted.n_obs, ref.n_obs,
                    lab.bytes(live() - held)))
saves("A", "matrix of the cells that a training sees, as CSR", cmp.a.x.memory_bytes,
      lab.compare(wanted).a.x.memory_bytes)

-- B. float32: normalised values need no more.  A recipe is applied while rows stream by, so neither is ever stored;
--    cast says which one comes out.
norm = wanted:normalise{target_sum = 1e4}:log1p()
saves("B", "normalised values of those cells, float64 against float32",
      8 * lab.compare(wanted).a.x.nnz, 4 * lab.compare(norm:cast{dtype = "float32"}).a.x.nnz)

-- C. Scale without centring: zeros stay zeros.  Centring makes every cell x gene a number of its own, but here that is
--    a recipe as well: one number a gene, and nothing dense unless it is written to a file.
scaled = norm:scale{max_value = 10, zero_center = false}
held = live()
centred = norm:scale{max_value = 10, zero_center = true}
print(string.format("C. centred too, as a recipe, X takes %s", lab.bytes(live() - held)))
saves("C", "scaled values: dense after centring against sparse", lab.compare(scaled).a.x.dense_bytes,
      lab.compare(scaled).a.x.memory_bytes)

-- D. The query after the reference: what was only needed to filter the reference goes back first, so the two peaks do
--    not add up.  free() says what came back; <close> does the same at the end of a block.
together = live()
do
    local whole <close> = lab.read(data .. "pbmc_reference.h5ad")
    local query <close> = lab.read(data .. "pbmc_query.h5ad")
    together = live() - together
end
held = live()
do local whole <close> = lab.read(data .. "pbmc_reference.h5ad") end
query = lab.read(data .. "pbmc_query.h5ad")
saves("D", "held at once: both files against the query alone", together, live() - held)

-- E. Backed: what is only looked at need not be loaded.  inspect answers from headers and index arrays.  What is worked
--    with can stay on a disk: packed, in a scratch file without a name that goes with its dataset; rows are fetched as
--    they are needed, and every result is the same.  A concat is a view, whatever its parts are backed by.
held = live()
backed = lab.read(data .. "pbmc_reference.h5ad", {backed = true})
print(string.format("E. %s; mem().live has risen by %s", tostring(backed):match("backed by [^\n]*"),
                    lab.bytes(live() - held)))
saves("E", "counts and tables of the reference: held against backed", ref.bytes, backed.bytes)
backed:free()
held = live()
look = lab.inspect(data .. "pbmc_reference.h5ad", data .. "pbmc_query.h5ad")
saves("E", "looking at both files: loaded against inspected", together, live() - held)
held = live()
both = lab.concat({reference = ref, query = query})
saves("E", "their concat: a scipy CSR copy against a view", look.concat.inner.csr_bytes, live() - held)

print(mem())
print("a budget makes it certain: lab.budget(\"2G\"), or celllab --budget 2G, and no step takes more than that")

-- outer_inner.lua -- what the choice between join="inner" and join="outer" really costs: nothing while the matrix is
-- sparse, four tenths more wherever something is dense.
--
--     celllab examples/sessions/outer_inner.lua
--
-- The studies are made up: 6,000 genes each, 5,000 of them in common, as two annotations of one species have.

ref, query = lab.simulate{cells = 900, query_cells = 600, genes = 6000, shared_genes = 5000, types = 5, depth = 2000}
print(lab.compare(ref, query))

function live()
    collectgarbage()
    return mem().live
end

function row(what, inner, outer)
    print(string.format("%-58s %12s %12s  %+.0f %%", what, inner, outer, 100 * (outer / inner - 1)))
end

function bytes_row(what, inner, outer)
    print(string.format("%-58s %12s %12s  %+.0f %%", what, lab.bytes(inner), lab.bytes(outer), 100 * (outer / inner - 1)))
end

-- Two views over the same counts.  Neither copies any.
held = live()
inner = lab.concat({reference = ref, query = query}, {join = "inner"})
inner_view = live() - held
held = live()
outer = lab.concat({reference = ref, query = query}, {join = "outer"})
outer_view = live() - held
print(string.format("\n%-58s %12s %12s", "", "inner", "outer"))
row("genes", inner.n_vars, outer.n_vars)
bytes_row("bytes that the concat itself takes here", inner_view, outer_view)

-- What is stored: outer keeps the counts of the genes that one study has for itself.  A gene that a study never
-- measured is written as zero there, which takes no byte and is not true: "not seen" and "not looked for" look alike.
function stored(ds) return math.tointeger(ds:qc().obs.n_genes_by_counts:sum()) end
row("counts above zero", stored(inner), stored(outer))
print(string.format("%-58s %12s %11.0f %%", "zeros that nobody measured, of all entries", "0 %",
                    100 * (ref.n_obs * 1000 + query.n_obs * 1000) / (outer.n_obs * outer.n_vars)))

-- Where it costs: everything that is dense has a column for every gene.
c = lab.compare(ref, query).concat
bytes_row("dense float32, as scaling with a centre makes it", c.inner.dense_bytes, c.outer.dense_bytes)
bytes_row("the same in float64, as numpy makes it unasked", 2 * c.inner.dense_bytes, 2 * c.outer.dense_bytes)
hidden = 128 -- first layer of the encoder, last of the decoder: weights, gradient and Adam's two moments
bytes_row("scVI's layers that touch genes, if no genes were chosen", 3 * 4 * hidden * 4 * inner.n_vars,
          3 * 4 * hidden * 4 * outer.n_vars)

-- What it is good for.  The genes of one study cannot tell its cells from the other's types, but they do tell the
-- studies apart: a model that may see them learns which study a cell is from.
shared = {}
for _, g in ipairs(inner.var.index:tolist()) do shared[g] = true end
function only_one(ds)
    local n = 0
    for _, g in ipairs(ds:normalise():log1p():hvg{n_top = 500}.var.index:tolist()) do
        if not shared[g] then n = n + 1 end
    end
    return n
end
print(string.format("\nvariable genes that only one study has: %d of %d with outer, %d of %d with inner",
                    only_one(outer), 500, only_one(inner), 500))

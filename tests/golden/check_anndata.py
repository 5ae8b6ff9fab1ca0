"""Developer's check, not run by ctest: what celllab writes is what anndata reads.

    python3 check_anndata.py ORIGINAL WRITTEN [ORIGINAL WRITTEN ...]

Needs anndata.  Prints one line a pair; exit code 1 when a pair differs.  uns.celllab is ours and left out.
"""
import sys
import warnings

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

warnings.filterwarnings("ignore")


def plain(x):
    """numpy's scalars and strings as Python's: the same content, written by different versions."""
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, np.ndarray) and x.dtype.kind in "USO" and not x.dtype.names:
        return np.array([str(v) for v in x.ravel()], dtype=object).reshape(x.shape)
    return x


def same(a, b, at, out):
    a, b = plain(a), plain(b)
    if sp.issparse(a) or sp.issparse(b):
        if not (sp.issparse(a) and sp.issparse(b)):
            out.append(f"{at}: sparse in one only")
        elif a.shape != b.shape or a.dtype != b.dtype:
            out.append(f"{at}: {a.shape} {a.dtype} and {b.shape} {b.dtype}")
        else:
            a, b = sp.csr_matrix(a), sp.csr_matrix(b)
            a.sum_duplicates(), b.sum_duplicates()
            if not (np.array_equal(a.indptr, b.indptr) and np.array_equal(a.indices, b.indices)
                    and np.array_equal(a.data, b.data, equal_nan=a.dtype.kind == "f")):
                out.append(f"{at}: values differ")
    elif isinstance(a, pd.DataFrame):
        try:
            a, b = a.set_axis(a.index.astype(object)), b.set_axis(b.index.astype(object))
            pd.testing.assert_frame_equal(a, b, check_exact=True)
        except AssertionError as e:
            out.append(f"{at}: {' '.join(str(e).split())[:300]}")
    elif isinstance(a, pd.Categorical) or hasattr(a, "isna"):
        if not pd.Series(a).equals(pd.Series(b)):
            out.append(f"{at}: {a!r} and {b!r}")
    elif isinstance(a, np.ndarray) and a.dtype.names:
        for name in a.dtype.names:
            same(np.asarray(a[name]), np.asarray(b[name]), f"{at}.{name}", out)
    elif isinstance(a, np.ndarray):
        b = np.asarray(b)
        if a.shape != b.shape or a.dtype != b.dtype or not np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
            out.append(f"{at}: {a.dtype} {a.shape} and {b.dtype} {b.shape}")
    elif hasattr(a, "items"):
        for k in sorted(set(a) | set(b), key=str):
            if k not in a or k not in b:
                out.append(f"{at}/{k}: in one only")
            else:
                same(a[k], b[k], f"{at}/{k}", out)
    elif a is None or b is None:
        if a is not b:
            out.append(f"{at}: null in one only")
    elif type(a) is not type(b) or not (a == b or a != a):
        out.append(f"{at}: {a!r} ({type(a).__name__}) and {b!r} ({type(b).__name__})")


def compare(original, written):
    try:
        a = ad.read_h5ad(original)
    except Exception:  # we read more than anndata does
        ad.read_h5ad(written)
        return None
    b, out = ad.read_h5ad(written), []
    b.uns.pop("celllab", None)
    same(a.obs, b.obs, "obs", out)
    same(a.var, b.var, "var", out)
    if (a.X is None) != (b.X is None):
        out.append("X: in one only")
    elif a.X is not None:
        same(a.X, b.X, "X", out)
    for part in ("layers", "obsm", "varm", "obsp", "varp", "uns"):
        same(dict(getattr(a, part)), dict(getattr(b, part)), part, out)
    if (a.raw is None) != (b.raw is None):
        out.append("raw: in one only")
    elif a.raw is not None:
        same(a.raw.X, b.raw.X, "raw/X", out)
        same(a.raw.var, b.raw.var, "raw/var", out)
        same(dict(a.raw.varm), dict(b.raw.varm), "raw/varm", out)
    return out


def main(args):
    bad = 0
    for original, written in zip(args[::2], args[1::2]):
        try:
            out = compare(original, written)
        except Exception as e:  # a file that anndata cannot read is a finding, too
            out = [f"{type(e).__name__}: {e}"]
        print(original.split("/")[-1], "read only by celllab" if out is None else "equal" if not out else "DIFFERS: " + "; ".join(out))
        bad += bool(out)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

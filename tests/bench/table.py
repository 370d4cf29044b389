# SPDX-License-Identifier: GPL-2.0-or-later
"""The table: medians, minima, and ratios held against what is wanted."""


FLOORS = ("floor", "bare floor", "version", "no port", "mtu 1500")
MORE_IS_BETTER = ("/s", "Gbit/s")


def verdict(goal, r, others):
    """(text, whether it is met): by median, or by minimum where the machine was noisy."""
    if goal["kind"] == "at most":
        return "<= %g %s" % (goal["value"], r["unit"]), r["median"] <= goal["value"]
    basis = others.get(goal["basis"])
    # A difference may be lost in the noise: then it has no ratio.
    if not basis or min(x[k] for x in (basis, r) for k in ("median", "min")) <= 0:
        return "", True
    by_median, by_min = r["median"] / basis["median"], r["min"] / basis["min"]
    if goal["kind"] == "faster":
        times = [basis[k] / r[k] for k in ("median", "min") if r[k] > 0]
        if r["unit"] in MORE_IS_BETTER:
            times = [1 / x for x in times]
        return "wanted: %g x as fast as %s" % (goal["value"], goal["basis"]), \
            max(times, default=0) >= goal["value"]
    shown = "%.2f %.2f x %s" % (by_median, by_min, goal["basis"])
    if goal["kind"] == "at least times":
        return "%s (>= %g)" % (shown, goal["value"]), max(by_median, by_min) >= goal["value"]
    return "%s (<= %g)" % (shown, goal["value"]), min(by_median, by_min) <= goal["value"]


def show(results):
    """Print the table.  Return: how many goals are missed."""
    missed = 0
    print("%-15s %-6s %-11s %4s %9s %9s  %s" % ("row", "store", "tool", "n", "median", "minimum",
                                                "ratio of medians, of minima (goal)"))
    for r in results:
        others = {o["tool"]: o for o in results
                  if o["row"] == r["row"] and o["store"] == r["store"]}
        notes = []
        ours = others.get("mybox")
        # Of nothing, lost lines for one, there is no ratio.
        if ours and r["tool"] not in FLOORS + ("mybox",) and r["failures"] == 0 and \
                min(ours["median"], ours["min"], r["median"], r["min"]) > 0:
            slower = [r[k] / ours[k] for k in ("median", "min")]
            if r["unit"] in MORE_IS_BETTER:
                slower = [1 / x for x in slower]
            notes.append("mybox is %.1f %.1f x as fast" % tuple(slower))
        for goal in r["goals"]:
            text, met = verdict(goal, r, others)
            missed += not met and goal["kind"] != "faster"
            notes.append(text + ("" if met else " MISSED"))
        if r["failures"]:
            notes.append("%d FAILED: no row" % r["failures"])
            missed += 1
        print("%-15s %-6s %-11s %4d %9.2f %9.2f  %s" % (
            r["row"], r["store"], r["tool"], r["n"], r["median"], r["min"],
            "; ".join(filter(None, notes))))
    return missed

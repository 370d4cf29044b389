# SPDX-License-Identifier: GPL-2.0-or-later
# What no two runs have alike, of docker's output and of mybox's: for sed -E.
# Ids: whole, and cut as lists cut them.
s/[0-9a-f]{64}/ID/g
s/(^|[^0-9a-zA-Z_])[0-9a-f]{12}($|[^0-9a-zA-Z_])/\1SHORT\2/g
# Times: points, as RFC 3339 and as Go prints them, and how long ago, with what fills its column.
s/20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?(Z|[-+][0-9:]{5})/TIME/g
s/20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9:]{8}(\.[0-9]+)? [-+][0-9]{4} [A-Z]+/TIME/g
s/(Less than a|About a|About an|[0-9]+) (second|minute|hour)s?( ago)?( \(|  +|$|"| )/AGO\3\4/g
s/(AGO( ago)?) +/\1 /g
s/((AGO|AGO ago) (Created|Exited \([0-9]+\) AGO ago|Up AGO( \([a-z: ]+\))?)) +/\1 /g
s/([0-9]+ months ago) +/\1 /g
/^(CONTAINER ID|REPOSITORY)/s/(CREATED|STATUS) +/\1 /g
s/"(time|timeNano)":[0-9]+/"\1":TIME/g
# Labels: docker lists them in the order of a map of Go, which is another each time.
s/role=web,a=b/a=b,role=web/
# Addresses that are chosen by what else there is.
s/02(:[0-9a-f]{2}){5}/MAC/g
s/(172\.[0-9]+|192\.168|10\.88)\.[0-9]+\.[0-9]+/ADDRESS/g
s,ADDRESS/[0-9]+,ADDRESS/LENGTH,g
# Where each has its files, its processes, its namespaces.
s,/run/mybox-test/[^" ]*/root/,ROOT/,g
s/"Pid": ?[0-9]+/"Pid":PID/g
s,"SandboxKey": ?"[^"]+","SandboxKey":"KEY",
s,"(ResolvConf|Hostname|Hosts|Log)Path": ?"[^"]*","\1Path":"FILE",
# What either calls by names of its own: the runtime, the driver of logs.
s/"Runtime": ?"(runc|mybox)"/"Runtime":"OWN"/
s/"Type": ?"(json-file|k8s-file|local)"/"Type":"LOG"/
# docker shares the host's control groups on version 1; mybox keeps them apart on both.
s/"CgroupnsMode": ?"(host|private)"/"CgroupnsMode":"OWN"/
# Names of an endpoint, which later dockers list.
s/"DNSNames":\[[^]]*\],//g
/"DNSNames": \[/,/\]/d

# Nomad's docker driver asks dockerd for the runtime: docker-daemon.json comes first.
plugin "docker" {
  config {
    allow_runtimes = ["runc", "mybox"]
  }
}

# In a job:   task "web" { driver = "docker"  config { image = "..."  runtime = "mybox" } }

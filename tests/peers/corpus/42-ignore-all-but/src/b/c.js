src/b/c.js

src/b/c.test.js

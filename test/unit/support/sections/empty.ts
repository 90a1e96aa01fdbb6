console.log("no export");

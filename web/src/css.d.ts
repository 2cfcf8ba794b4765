// Lets a module import a stylesheet, which the build gathers into one file.
// Style sheets are imported for their effect: Vite takes them up.
declare module '*.css';

export { twice as again } from "./used.ts";
